/** Uses of the clock, chance, files and the like outside the adapters, found in the tree with its scopes. */
import { bannedGlobals, bannedMembers, bannedModules, exemptions, pureCrypto, type Reach, replacement } from './bans.ts'
import type { Finding } from './finding.ts'
import { type Reference, references } from './references.ts'
import { type Import, lineOf, type Node, type SourceFile } from './source-file.ts'
import { inLibrary, isTest, type Workspace, within } from './workspace.ts'

export function checkBanned(workspace: Workspace): Finding[] {
  return [...workspace.sources.values()].flatMap((file) => {
    const local = inLibrary(file.path)
    if (local === undefined || isTest(file.path)) return []
    const may = new Set(exemptions.filter(({ at }) => within(local, at)).flatMap((exemption) => exemption.may))
    const used = [
      ...file.imports.flatMap((found) => bannedImport(found)),
      ...references(file.program).flatMap((reference) => bannedUse(file, reference)),
    ]
    const rejected = used.filter(({ reach }) => !may.has(reach))
    return [...rejected.map((use) => finding(file.path, use)), ...moduleState(file)]
  })
}

interface Use {
  readonly line: number
  readonly what: string
  readonly reach: Reach
}

const finding = (path: string, { line, what, reach }: Use): Finding => ({
  path,
  line,
  rule: 'banned',
  message: `${what} (${reach}): ${replacement[reach]}`,
})

function bannedImport({ specifier, line, typeOnly, names }: Import): Use[] {
  if (typeOnly) return []
  const [nodeModule = ''] = specifier.replace(/^node:/, '').split('/')
  const reach = Object.hasOwn(bannedModules, nodeModule) ? bannedModules[nodeModule] : undefined
  if (reach) return [{ line, what: `'${specifier}'`, reach }]
  if (nodeModule !== 'crypto') return []
  const drawn = names.filter((name) => !pureCrypto.includes(name))
  return drawn.map((name) => ({ line, what: `${name} of '${specifier}'`, reach: 'chance' }))
}

function bannedUse(file: SourceFile, { name, node, parent, grand }: Reference): Use[] {
  const line = lineOf(file.text, node.start)
  const globalReach = Object.hasOwn(bannedGlobals, name) ? bannedGlobals[name] : undefined
  if (globalReach) return [{ line, what: name, reach: globalReach }]
  const member = parent?.type === 'MemberExpression' && parent.object === node ? memberName(parent) : undefined
  if (name === 'globalThis') return bannedGlobalMember(line, member, grand)
  if (name === 'Date' && isPresent(node, parent)) return [{ line, what: 'the present Date', reach: 'clock' }]
  const members = Object.hasOwn(bannedMembers, name) ? bannedMembers[name] : undefined
  if (!members) return []
  const reach = members['*'] ?? (member === undefined ? unnamedMember(members, node, parent) : members[member])
  return reach ? [{ line, what: member ? `${name}.${member}` : name, reach }] : []
}

/** `globalThis.setTimeout` and `globalThis.Date.now`; a bare or computed `globalThis` could be any of them. */
function bannedGlobalMember(line: number, member: string | undefined, grand: Node | undefined): Use[] {
  if (member === undefined) return [{ line, what: 'globalThis as a value', reach: 'process' }]
  const inner = grand?.type === 'MemberExpression' ? memberName(grand) : undefined
  const reach = bannedGlobals[member] ?? bannedMembers[member]?.['*'] ?? bannedMembers[member]?.[inner ?? '']
  return reach ? [{ line, what: `globalThis.${member}`, reach }] : []
}

/** `new Date()` and `Date()` read the clock; `new Date(ms)` only writes a time that is known. */
const isPresent = (node: Node, parent: Node | undefined): boolean =>
  parent?.callee === node && (parent.type === 'CallExpression' || parent.arguments.length === 0)

/** `const { now } = Date`, `f(Math)`, `Math[name]`: what can't be followed counts as the ban itself. */
function unnamedMember(
  members: Readonly<Record<string, Reach>>,
  node: Node,
  parent: Node | undefined,
): Reach | undefined {
  const harmless = parent?.type === 'NewExpression' || (parent?.type === 'BinaryExpression' && parent.right === node)
  return harmless ? undefined : Object.values(members)[0]
}

function memberName(member: Node): string | undefined {
  if (!member.computed) return member.property.name
  return typeof member.property.value === 'string' ? member.property.value : undefined
}

/** A `let`, or an empty collection to be filled, at the top of a module is state that outlives every troupe. */
function moduleState(file: SourceFile): Finding[] {
  return (file.program.body as Node[]).flatMap((statement) => {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type !== 'VariableDeclaration') return []
    const isState =
      declaration.kind !== 'const' || (declaration.declarations as Node[]).some(({ init }) => isEmptyCollection(init))
    if (!isState) return []
    const message = 'state of a module outlives every troupe: keep it in what createTroupe makes'
    return [{ path: file.path, line: lineOf(file.text, declaration.start), rule: 'module-state', message }]
  })
}

const isEmptyCollection = (value: Node | null): boolean =>
  value?.type === 'NewExpression' && /^(Weak)?(Map|Set)$/.test(value.callee.name ?? '') && value.arguments.length === 0
