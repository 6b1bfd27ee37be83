/**
 * The public names of the built library, and the types that their declarations name. If a signature names a type that
 * no entry exports, a user who writes a function around that signature cannot name its parameters.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { children, type Node, parseSource } from './tidy/source-file.ts'

export interface PublicName {
  /** As a program writes it after the import: `Run`, or `Runs.Trace` for a type in a namespace. */
  readonly name: string
  /** The declaration behind the name: `dist/core/time/clock.d.ts#Clock`. */
  readonly declaration: string
  /** Exported as a type alone: a class of it cannot be constructed. */
  readonly typeOnly: boolean
}

export interface Unnamed {
  readonly declaration: string
  /** The public names whose declarations name it. */
  readonly namedBy: readonly string[]
}

interface Declared {
  readonly file: string
  readonly name: string
}

/** A declaration with the text around it. */
export interface PublicDeclaration {
  /** The declaration: `dist/core/time/clock.d.ts#Clock`. */
  readonly declaration: string
  /** True if an entry exports it; false for a base or an alias that only exported declarations name. */
  readonly exported: boolean
  /** True if it is exported as a type alone: a class of it cannot be constructed. */
  readonly typeOnly: boolean
  /** The nodes that declare it: one, or several for overloads, merged interfaces and a value with a type of its name. */
  readonly nodes: readonly Node[]
  /** The text of its file, to which the offsets of the nodes refer. */
  readonly text: string
}

/** A name of this file or, with `from`, of another; without `name` it is all of that file. */
interface Target {
  readonly from?: string
  readonly name?: string
  readonly typeOnly?: boolean
}

interface Module {
  readonly text: string
  readonly declarations: ReadonlyMap<string, readonly Node[]>
  readonly imports: ReadonlyMap<string, Target>
  readonly exports: ReadonlyMap<string, Target>
  readonly all: readonly string[]
}

/** Reads the declarations that the compiler emitted. */
export class PublicNames {
  /** Entry (`.`, `./context`) to its names. */
  readonly entries: ReadonlyMap<string, readonly PublicName[]>
  readonly #library: string
  readonly #modules = new Map<string, Module>()

  /** @param library the folder of the package whose `exports` name the entries */
  constructor(library: string) {
    this.#library = library
    const { exports } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as {
      exports: Record<string, string | { types: string }>
    }
    const entries = Object.entries(exports).flatMap(([entry, target]) =>
      typeof target === 'string' ? [] : [[entry, this.#namesOf(resolve(library, target.types))] as const],
    )
    this.entries = new Map(entries)
  }

  /** The declarations that public ones name and no entry exports. */
  unnamed(): readonly Unnamed[] {
    const names = [...this.entries.values()].flat()
    const exported = new Set(names.map(({ declaration }) => declaration))
    const missing = new Map<string, Set<string>>()
    for (const { name, declaration, typeOnly } of names)
      for (const each of this.#references(declaration, typeOnly))
        if (!exported.has(each)) missing.set(each, (missing.get(each) ?? new Set()).add(name))
    return [...missing].map(([declaration, namedBy]) => ({ declaration, namedBy: [...namedBy] }))
  }

  /** Returns the declarations behind the public names, with the bases and the unexported aliases that they name. */
  declarations(): readonly PublicDeclaration[] {
    const found = new Map<string, PublicDeclaration>()
    const add = (declaration: string, exported: boolean, typeOnly: boolean) => {
      const [path = '', name = ''] = declaration.split('#')
      const { declarations, text } = this.#module(resolve(this.#library, path))
      const known = found.get(declaration)
      found.set(declaration, {
        declaration,
        exported: exported || known?.exported === true,
        typeOnly: typeOnly && known?.typeOnly !== false,
        nodes: declarations.get(name) ?? [],
        text,
      })
    }
    for (const { declaration, typeOnly } of [...this.entries.values()].flat()) {
      const inner = new Set<string>()
      this.#references(declaration, typeOnly, inner)
      inner.delete(declaration)
      add(declaration, true, typeOnly)
      for (const each of inner) add(each, false, true)
    }
    return [...found.values()]
  }

  /** Returns the nodes and the text of the declarations that a type names, seen from the file of `declaration`. */
  named(declaration: string, type: Node): readonly Pick<PublicDeclaration, 'declaration' | 'nodes' | 'text'>[] {
    const file = resolve(this.#library, declaration.split('#')[0] ?? '')
    return [...namedIn(type, false)].flatMap((reference) => {
      const target = this.#target(file, reference)
      if (!target) return []
      const { declarations, text } = this.#module(target.file)
      return [{ declaration: this.#keyOf(target), nodes: declarations.get(target.name) ?? [], text }]
    })
  }

  #namesOf(file: string): PublicName[] {
    return this.#exportsOf(file).flatMap((name) => {
      const { from, name: inner, typeOnly = false } = this.#module(file).exports.get(name) ?? {}
      if (from && inner === undefined)
        return [
          { name, declaration: this.#keyOf({ file: from, name: '*' }), typeOnly },
          ...this.#namesOf(from).map((each) => ({ ...each, name: `${name}.${each.name}`, typeOnly })),
        ]
      const found = this.#resolve(file, name)
      return found ? [{ name, declaration: this.#keyOf(found), typeOnly }] : []
    })
  }

  #exportsOf(file: string): string[] {
    const { exports, all } = this.#module(file)
    return [...exports.keys(), ...all.flatMap((from) => this.#exportsOf(from))]
  }

  /** The declaration behind a name that a file exports. */
  #resolve(file: string, name: string): Declared | undefined {
    const { exports, all } = this.#module(file)
    const found = exports.get(name)
    if (found?.from) return this.#resolve(found.from, found.name ?? name)
    if (found) return this.#local(file, found.name ?? name)
    return all.map((from) => this.#resolve(from, name)).find((each) => each !== undefined)
  }

  #local(file: string, name: string): Declared | undefined {
    const { declarations, imports } = this.#module(file)
    if (declarations.has(name)) return { file, name }
    const found = imports.get(name)
    return found?.from === undefined || found.name === undefined ? undefined : this.#resolve(found.from, found.name)
  }

  /** The bases of a class or an interface, and an alias that its file does not export, count as part of what names them. */
  #references(declaration: string, typeOnly: boolean, seen = new Set<string>()): Set<string> {
    const [path = '', name = ''] = declaration.split('#')
    const file = resolve(this.#library, path)
    const found = new Set<string>()
    if (seen.has(declaration)) return found
    seen.add(declaration)
    for (const node of this.#module(file).declarations.get(name) ?? [])
      for (const reference of namedIn(node, typeOnly)) {
        const target = this.#target(file, reference)
        if (!target) continue
        const key = this.#keyOf(target)
        if (reference.isBase || !this.#exportsOf(target.file).some((each) => this.#isExportOf(target, each)))
          for (const inner of this.#references(key, typeOnly || reference.isBase === true, seen)) found.add(inner)
        else found.add(key)
      }
    return found
  }

  #target(file: string, { name, specifier }: Reference): Declared | undefined {
    if (specifier === undefined) return this.#local(file, name)
    return specifier.startsWith('.') ? this.#resolve(declarationsOf(file, specifier), name) : undefined
  }

  readonly #isExportOf = ({ file, name }: Declared, exported: string): boolean => {
    const found = this.#resolve(file, exported)
    return found?.file === file && found.name === name
  }

  readonly #keyOf = ({ file, name }: Declared): string => `${relative(this.#library, file)}#${name}`

  #module(file: string): Module {
    const known = this.#modules.get(file)
    if (known) return known
    const read = readModule(file)
    this.#modules.set(file, read)
    return read
  }
}

function readModule(file: string): Module {
  const declarations = new Map<string, Node[]>()
  const imports = new Map<string, Target>()
  const exports = new Map<string, Target>()
  const all: string[] = []
  const declare = (node: Node): string[] => {
    const nodes: Node[] = node.type === 'VariableDeclaration' ? node.declarations : [node]
    return nodes.map((each) => {
      const name = nameOf(each.id)
      declarations.set(name, [...(declarations.get(name) ?? []), each])
      return name
    })
  }
  const text = readFileSync(file, 'utf8')
  for (const statement of parseSource(file, text).program.body as Node[]) {
    const from = String(statement.source?.value ?? '')
    const ours = from.startsWith('.')
    if (statement.type === 'ImportDeclaration') {
      for (const each of statement.specifiers as Node[])
        if (ours)
          imports.set(each.local.name, {
            from: declarationsOf(file, from),
            ...(each.imported ? { name: nameOf(each.imported) } : {}),
          })
    } else if (statement.type === 'ExportAllDeclaration') {
      if (statement.exported)
        exports.set(nameOf(statement.exported), {
          from: declarationsOf(file, from),
          typeOnly: statement.exportKind === 'type',
        })
      else all.push(declarationsOf(file, from))
    } else if (statement.type === 'ExportNamedDeclaration') {
      for (const name of statement.declaration ? declare(statement.declaration) : []) exports.set(name, {})
      for (const each of statement.specifiers as Node[])
        exports.set(nameOf(each.exported), {
          name: nameOf(each.local),
          typeOnly: statement.exportKind === 'type' || each.exportKind === 'type',
          ...(ours ? { from: declarationsOf(file, from) } : {}),
        })
    } else if (statement.id || statement.type === 'VariableDeclaration') declare(statement)
  }
  return { text, declarations, imports, exports, all }
}

const nameOf = (node: Node): string => (node.type === 'Identifier' ? node.name : String(node.value))

/** `./x.ts` and `./x.js` stand for `x.d.ts`. */
function declarationsOf(file: string, specifier: string): string {
  const path = resolve(dirname(file), specifier.replace(/\.(ts|js)$/, '.d.ts'))
  if (!existsSync(path)) throw new Error(`${file} names ${specifier}, which is not built`)
  return path
}

interface Reference {
  readonly name: string
  /** Of an `import('…')` type. */
  readonly specifier?: string
  readonly isBase?: boolean
}

/** The types that a declaration names; members that a user cannot reach are left out. */
function* namedIn(node: Node, typeOnly: boolean): Generator<Reference> {
  if (node.accessibility === 'private' || node.accessibility === 'protected') return
  // A member under a symbol of the library.
  if (node.computed && node.key?.type === 'Identifier') return
  // A class has the members of what it implements; the interface adds nothing.
  if (node.type === 'TSClassImplements') return
  if (typeOnly && node.kind === 'constructor') return
  if (node.type === 'TSTypeReference') yield* first(node.typeName)
  else if (node.type === 'TSInterfaceHeritage')
    for (const base of first(node.expression)) yield { ...base, isBase: true }
  else if (node.type === 'ClassDeclaration' && node.superClass)
    for (const base of first(node.superClass)) yield { ...base, isBase: true }
  else if (node.type === 'TSImportType') {
    const [name] = node.qualifier ? [...first(node.qualifier)] : []
    if (name) yield { ...name, specifier: String(node.source.value) }
  }
  for (const child of children(node)) yield* namedIn(child, typeOnly)
}

function* first(node: Node): Generator<Reference> {
  if (node.type === 'Identifier') yield { name: node.name }
  else if (node.type === 'TSQualifiedName') yield* first(node.left)
  else if (node.type === 'MemberExpression') yield* first(node.object)
}
