/** The names that a file uses without declaring or importing them: its globals, scopes respected. */
import { children, type Node } from './source-file.ts'

export interface Reference {
  readonly name: string
  readonly node: Node
  readonly parent: Node | undefined
  readonly grand: Node | undefined
}

interface Scope {
  readonly names: ReadonlySet<string>
  readonly outer: Scope | undefined
}

export function references(program: Node): Reference[] {
  const found: Reference[] = []
  const walk = (node: Node, scope: Scope | undefined, parent?: Node, grand?: Node) => {
    if (isTypeOnly(node)) return
    if (node.type === 'Identifier') {
      if (isUse(node, parent) && !isDeclared(node.name, scope)) found.push({ name: node.name, node, parent, grand })
      return
    }
    const inner = opensScope(node) ? { names: new Set(declared(node)), outer: scope } : scope
    for (const child of children(node)) walk(child, inner, node, parent)
  }
  walk(program, undefined)
  return found
}

function isDeclared(name: string, scope: Scope | undefined): boolean {
  for (let at = scope; at; at = at.outer) if (at.names.has(name)) return true
  return false
}

/** Types are erased; what wraps an expression is looked into. */
const isTypeOnly = (node: Node): boolean =>
  (node.type.startsWith('TS') && !('expression' in node) && node.type !== 'TSParameterProperty') ||
  node.type === 'TSClassImplements' ||
  node.type === 'ImportDeclaration' ||
  node.type === 'ExportAllDeclaration' ||
  (node.type === 'ExportNamedDeclaration' && node.source !== null)

function isUse(node: Node, parent: Node | undefined): boolean {
  if (!parent || parent.computed) return true
  if (parent.type === 'MemberExpression') return parent.object === node
  if (parent.type === 'LabeledStatement' || parent.type === 'BreakStatement' || parent.type === 'ContinueStatement')
    return false
  if (parent.type === 'MetaProperty') return false
  if (['Property', 'PropertyDefinition', 'MethodDefinition'].includes(parent.type)) return parent.value === node
  return true
}

const opensScope = (node: Node): boolean =>
  /^(Program|BlockStatement|StaticBlock|SwitchStatement|CatchClause|ClassExpression)$/.test(node.type) ||
  /^For(In|Of)?Statement$/.test(node.type) ||
  isFunction(node)

const isFunction = (node: Node): boolean =>
  /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)

/** What a scope itself declares. Functions are named in the scope around them, and inside for recursion. */
function* declared(node: Node): Generator<string> {
  if (node.id) yield* bound(node.id)
  if (isFunction(node)) for (const parameter of node.params as Node[]) yield* bound(parameter)
  if (node.param) yield* bound(node.param)
  for (const loop of [node.init, node.left]) if (loop?.type === 'VariableDeclaration') yield* declaration(loop)
  const body = Array.isArray(node.body) ? node.body : ((node.cases ?? []) as Node[]).flatMap((each) => each.consequent)
  for (const statement of body as Node[]) yield* declaration(statement)
}

function* declaration(statement: Node): Generator<string> {
  if (statement.type === 'ImportDeclaration') for (const each of statement.specifiers as Node[]) yield each.local.name
  else if (statement.type === 'ExportNamedDeclaration' && statement.declaration)
    yield* declaration(statement.declaration)
  else if (statement.type === 'VariableDeclaration')
    for (const each of statement.declarations as Node[]) yield* bound(each.id)
  else if (/^(Function|Class)Declaration$/.test(statement.type) && statement.id) yield statement.id.name
}

/** The names in a binding pattern. */
export function* bound(pattern: Node): Generator<string> {
  if (pattern.type === 'Identifier') yield pattern.name
  else if (pattern.type === 'AssignmentPattern') yield* bound(pattern.left)
  else if (pattern.type === 'RestElement') yield* bound(pattern.argument)
  else if (pattern.type === 'TSParameterProperty') yield* bound(pattern.parameter)
  else if (pattern.type === 'ArrayPattern') for (const each of pattern.elements) yield* each ? bound(each) : []
  else if (pattern.type === 'ObjectPattern')
    for (const each of pattern.properties as Node[]) yield* bound(each.type === 'Property' ? each.value : each)
}
