import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { undescribed } from './descriptions.ts'
import { PublicNames } from './public-names.ts'

const root = resolve(import.meta.dirname, '..')
const library = join(root, 'node_modules/.cache/public-names')

/** Names that several entries export on purpose. */
const shared: Readonly<Record<string, readonly string[]>> = {
  TroupeError: ['.', './context'],
  ContextMesh: ['.', './context', './compat/syntha'],
  defineKey: ['.', './context'],
  Context: ['.', './context'],
  ToolHandler: ['.', './tools', './compat/syntha'],
  Tools: ['.', './tools'],
  LoadTester: ['./resilience', './testing'],
  ForeignCall: ['./compat/ai-sdk', './compat/function', './compat/langgraph', './compat/openai-agents'],
  ForeignOptions: ['./compat/ai-sdk', './compat/function', './compat/langgraph', './compat/openai-agents'],
}

/** Types that public declarations name and that only the library makes and reads. */
const internal = [
  // What an agent's step is given: the engine calls `step`, an application defines agents with `defineAgent`.
  'dist/agents/agent-port.d.ts#StepEntry',
  'dist/tools/tool-source.d.ts#SourceHost',
  'dist/tools/tool-source.d.ts#OpenedSource',
  // Members that the built-in tools, the workers and the MCP server call on public objects.
  'dist/tools/handler/call-own-tool.d.ts#OwnToolHost',
  'dist/security/access.d.ts#Access',
  'dist/security/roles.d.ts#LeastRole',
  'dist/core/events/events.d.ts#Events',
  // The mesh is the client that agents have, over a target that commits: its base class and what that is made of.
  'dist/context/mesh-context-client.d.ts#MeshContextClient',
  'dist/context/mesh-services.d.ts#MeshServices',
  'dist/context/entries/fragments.d.ts#Actor',
]
/**
 * `troupe/testing` gives the journal to those who test a storage, not the types of its interior. What several events
 * have in common is read as fields of each: applications name `TroupeEvent<'run.started'>`.
 */
const isInternal = (declaration: string): boolean =>
  declaration.startsWith('dist/journal/') ||
  declaration.startsWith('dist/core/events/event-fields.d.ts') ||
  internal.includes(declaration)

let names: PublicNames
beforeAll(() => {
  mkdirSync(library, { recursive: true })
  copyFileSync(join(root, 'packages/troupe/package.json'), join(library, 'package.json'))
  const project = join(root, 'packages/troupe/tsconfig.build.json')
  const info = join(library, 'declarations.tsbuildinfo')
  // `npm run types` checks the same sources; the declarations are the same without the check.
  const options = [
    '--noCheck',
    '--singleThreaded',
    '--emitDeclarationOnly',
    '--outDir',
    join(library, 'dist'),
    '--incremental',
    '--tsBuildInfoFile',
    info,
  ]
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project, ...options], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stdout)
  names = new PublicNames(library)
}, 300_000)

const topLevel = (entry: string): readonly string[] =>
  (names.entries.get(entry) ?? []).flatMap(({ name }) => (name.includes('.') ? [] : [name]))

describe('the public names', () => {
  it('The main entry has between 100 and 120 names.', () => {
    const { length } = topLevel('.')
    expect(length).toBeGreaterThan(100)
    expect(length).toBeLessThanOrEqual(120)
  })

  it('A public name is exported from one entry, except those that are shared on purpose.', () => {
    const entriesOf = new Map<string, string[]>()
    for (const entry of names.entries.keys())
      for (const name of topLevel(entry)) entriesOf.set(name, [...(entriesOf.get(name) ?? []), entry])
    expect(Object.fromEntries([...entriesOf].filter(([, entries]) => entries.length > 1))).toEqual(shared)
  })

  it('A declaration has one name within an entry and its namespaces.', () => {
    for (const [entry, found] of names.entries) {
      const declarations = found.map(({ declaration }) => declaration)
      const repeated = declarations.filter((each, i) => declarations.indexOf(each) !== i)
      expect({ entry, repeated }).toEqual({ entry, repeated: [] })
    }
  })

  it('Every type that a public signature names is exported from an entry or a namespace.', () => {
    expect(names.unnamed().filter(({ declaration }) => !isInternal(declaration))).toEqual([])
  })

  it('Every type that is listed as internal is still named by a public signature.', () => {
    const unnamed = names.unnamed().map(({ declaration }) => declaration)
    expect(internal.filter((declaration) => !unnamed.includes(declaration))).toEqual([])
  })

  it('Every public declaration and member has a description.', () => {
    expect(undescribed(names)).toEqual([])
  })
})
