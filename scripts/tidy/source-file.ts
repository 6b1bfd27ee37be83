/** One parsed source file: its imports, and its tree for the checks that need more. */
import { parseSync } from 'oxc-parser'

/** A node of the ESTree form that oxc gives; the checks look at `type` first and read only what that type has. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  // biome-ignore lint/suspicious/noExplicitAny: a tree of a hundred shapes is walked by name
  readonly [field: string]: any
}

export interface Import {
  readonly specifier: string
  readonly line: number
  /** Erased when the types are stripped. */
  readonly typeOnly: boolean
  /** Loaded when the line runs, not when the file does. */
  readonly dynamic: boolean
  /** As the other file exports them; `*` for all of them. */
  readonly names: readonly string[]
  readonly reExports: boolean
}

export interface SourceFile {
  /** Relative to the workspace root, with `/`. */
  readonly path: string
  readonly text: string
  readonly program: Node
  readonly imports: readonly Import[]
  /** Names that the file declares and exports itself. */
  readonly declares: readonly string[]
}

export function parseSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text)
  const first = parsed.errors[0]
  if (first) throw new Error(`${path} cannot be parsed: ${first.message}`)
  const program = parsed.program as unknown as Node
  const imports: Import[] = []
  const declares: string[] = []
  for (const statement of program.body as Node[]) {
    const found = staticImport(statement, text)
    if (found) imports.push(found)
    else if (statement.type === 'ExportNamedDeclaration') declares.push(...exportedNames(statement))
  }
  visit(program, (node) => {
    const found = lazyImport(node, text)
    if (found) imports.push(found)
  })
  return { path, text, program, imports, declares }
}

/** Calls `enter` for every node of the tree, parents first. */
export function visit(node: Node, enter: (node: Node) => void): void {
  enter(node)
  for (const child of children(node)) visit(child, enter)
}

export function* children(node: Node): Generator<Node> {
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) yield item
    } else if (isNode(value)) yield value
  }
}

export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

const nameOf = (node: Node): string => (node.type === 'Identifier' ? node.name : String(node.value))

function staticImport(statement: Node, text: string): Import | undefined {
  const { type, source } = statement
  if (!source || !['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration'].includes(type))
    return undefined
  const specifiers = (statement.specifiers ?? []) as Node[]
  const kinds = specifiers.map((specifier) => specifier.importKind ?? specifier.exportKind)
  const names = specifiers.map((specifier) => {
    if (specifier.type === 'ImportDefaultSpecifier') return 'default'
    if (specifier.type === 'ImportSpecifier') return nameOf(specifier.imported)
    return specifier.type === 'ExportSpecifier' ? nameOf(specifier.local) : '*'
  })
  const isTypeOnly = (statement.importKind ?? statement.exportKind) === 'type'
  return {
    specifier: source.value,
    line: lineOf(text, statement.start),
    typeOnly: isTypeOnly || (kinds.length > 0 && kinds.every((kind) => kind === 'type')),
    dynamic: false,
    names: type === 'ExportAllDeclaration' ? ['*'] : names,
    reExports: type !== 'ImportDeclaration',
  }
}

/** `import('x')`, the type `import('x').T`, and `new URL('./x.ts', import.meta.url)`, which names a thread's file. */
function lazyImport(node: Node, text: string): Import | undefined {
  const literal =
    node.type === 'ImportExpression' || node.type === 'TSImportType'
      ? node.source
      : node.type === 'NewExpression' && node.callee.name === 'URL' && node.arguments.length === 2
        ? node.arguments[0]
        : undefined
  if (typeof literal?.value !== 'string') return undefined
  if (node.type === 'NewExpression' && !/^\.{1,2}\/.*\.tsx?$/.test(literal.value)) return undefined
  const typeOnly = node.type === 'TSImportType'
  const names = ['*']
  return {
    specifier: literal.value,
    line: lineOf(text, node.start),
    typeOnly,
    dynamic: !typeOnly,
    names,
    reExports: false,
  }
}

function exportedNames(statement: Node): string[] {
  const { declaration } = statement
  if (!declaration) return (statement.specifiers as Node[]).map((specifier) => nameOf(specifier.exported))
  if (declaration.type === 'VariableDeclaration')
    return (declaration.declarations as Node[]).flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
  return declaration.id ? [declaration.id.name] : []
}
