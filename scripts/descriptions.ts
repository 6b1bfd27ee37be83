/**
 * Lists the public declarations and members that have no description, as `dist/context/context-mesh.d.ts#ContextStats.bytes`.
 * Run as `node scripts/descriptions.ts [module]`.
 */
import { resolve } from 'node:path'
import { build } from './build.ts'
import { type PublicDeclaration, PublicNames } from './public-names.ts'
import { children, type Node } from './tidy/source-file.ts'

/** Files whose declarations need no description, each with the reason. */
export const exempt: Readonly<Record<string, string>> = {
  'dist/client/generated/': 'The types are generated from the OpenAPI document, which has the descriptions.',
  'dist/compat/syntha/': 'The names and their meaning are those of Syntha, whose documentation describes them.',
  'dist/tools/handler/callable-tools.d.ts':
    'The forms are those of other libraries, whose documentation describes them.',
  'dist/topology/fitting-stages.d.ts':
    'The types are conditions that the compiler checks; no program writes their members.',
}

/** A declaration or member, by what a reader would search for. */
export interface Described {
  /** `dist/context/context-mesh.d.ts#ContextStats.bytes` */
  readonly name: string
  readonly described: boolean
}

/** Returns every public declaration and member with whether an editor shows a description of it. */
export function describedNames(names: PublicNames): readonly Described[] {
  const found = new Map<string, boolean>()
  for (const each of names.declarations()) {
    if (Object.keys(exempt).some((path) => each.declaration.startsWith(path))) continue
    for (const { name, described } of describe(names, each)) found.set(name, described && found.get(name) !== false)
  }
  return [...found].map(([name, described]) => ({ name, described }))
}

/** Returns the names without description; `moduleName` is a folder or a file directly in `dist`. */
export const undescribed = (names: PublicNames, moduleName?: string): readonly string[] =>
  describedNames(names).flatMap(({ name, described }) =>
    described || (moduleName !== undefined && moduleOf(name) !== moduleName) ? [] : [name],
  )

/** `context` for `dist/context/context-mesh.d.ts#ContextStats`, `index` for `dist/index.d.ts#x`. */
const moduleOf = (name: string): string => /^dist\/([^/.#]+)/.exec(name)?.[1] ?? name

function* describe(names: PublicNames, each: PublicDeclaration): Generator<Described> {
  const { declaration, exported, nodes, text } = each
  // A value and a type of one name, or merged interfaces: an editor shows the descriptions of all of them.
  const described = nodes.some((node) => hasDescription(node, text))
  if (exported && nodes.length > 0) yield { name: declaration, described }
  for (const node of nodes)
    for (const { path, member, around } of membersOf(node))
      yield {
        name: `${declaration}.${path.join('.')}`,
        described:
          hasDescription(member, text) ||
          [node, ...around].some((outer) => describesParameter(outer, text, path.at(-1) as string)) ||
          inherits(names, declaration, node, path),
      }
}

/** Returns whether a base or an interface of `node` describes the member: editors show that description. */
function inherits(names: PublicNames, declaration: string, node: Node, path: readonly string[]): boolean {
  const expressions: Node[] = [...(node.implements ?? []), ...(node.extends ?? [])]
  if (node.superClass) expressions.push({ ...node.superClass, expression: node.superClass })
  const bases = expressions.map((each) => ({ ...each, type: 'TSInterfaceHeritage' }))
  return bases.some((base) =>
    names
      .named(declaration, base)
      .some((target) =>
        target.nodes.some(
          (inner) =>
            [...membersOf(inner)].some(
              (each) => each.path.join('.') === path.join('.') && hasDescription(each.member, target.text),
            ) || inherits(names, target.declaration, inner, path),
        ),
      ),
  )
}

interface Member {
  readonly path: readonly string[]
  readonly member: Node
  /** The members that contain it, from the outside in. */
  readonly around: readonly Node[]
}

/** The members of a class, of an interface, and of the object types within a declaration. */
function* membersOf(node: Node, path: readonly string[] = [], around: readonly Node[] = []): Generator<Member> {
  for (const child of children(node)) {
    if (child.accessibility === 'private' || child.accessibility === 'protected') continue
    const name = nameOfMember(child)
    if (name === undefined) yield* membersOf(child, path, around)
    else if (name !== '') {
      const inner = [...path, name]
      yield { path: inner, member: child, around }
      yield* membersOf(child, inner, [...around, child])
    }
  }
}

const members = new Set([
  'PropertyDefinition',
  'MethodDefinition',
  'AccessorProperty',
  'TSAbstractPropertyDefinition',
  'TSAbstractMethodDefinition',
  'TSPropertySignature',
  'TSMethodSignature',
])

/** `undefined` for what is not a member, an empty text for a member that a user cannot name or that its value describes. */
function nameOfMember(node: Node): string | undefined {
  if (!members.has(node.type)) return undefined
  const { key, computed, kind } = node
  // The description of the class stands for its constructor's.
  if (computed || key.type === 'PrivateIdentifier' || kind === 'constructor') return ''
  if (node.typeAnnotation?.typeAnnotation.type === 'TSLiteralType') return ''
  return key.type === 'Identifier' ? key.name : String(key.value)
}

/** Returns whether a comment for editors, with at least a word, ends where the declaration begins. */
const hasDescription = (node: Node, text: string): boolean =>
  /[a-z]/i.test(commentOf(node, text).replaceAll(/@\w+/g, ''))

/** Returns whether the comment of a function describes a field of an argument, as `@param options.signal cancels it`. */
const describesParameter = (node: Node, text: string, field: string): boolean =>
  [...commentOf(node, text).matchAll(/@param (?:\w+\.)+(\w+) [^@*\s]/g)].some(([, name]) => name === field)

/** Returns the comment for editors that ends where the declaration begins, or an empty text. */
function commentOf({ start }: Node, text: string): string {
  const before = text.slice(Math.max(0, start - 4_000), start)
  const head = before.replace(/(?:\s|\b(?:export|declare|default|abstract|const|let|var|readonly|static)\b)+$/, '')
  if (!head.endsWith('*/')) return ''
  const comment = head.slice(head.lastIndexOf('/*'))
  return comment.startsWith('/**') ? comment : ''
}

if (import.meta.main) {
  if (!build()) process.exit(1)
  const library = resolve(import.meta.dirname, '../packages/troupe')
  const missing = undescribed(new PublicNames(library), process.argv[2])
  for (const name of missing) console.log(name)
  console.error(`${missing.length} public names have no description`)
  process.exitCode = missing.length > 0 ? 1 : 0
}
