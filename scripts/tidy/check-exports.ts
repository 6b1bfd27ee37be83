/** Exported names: each is declared in one file, and a file is named for what it exports. */
import { subWords } from './check-vocabulary.ts'
import type { Finding } from './finding.ts'
import { adapterFolders } from './modules.ts'
import { lineOf, type Node, type SourceFile } from './source-file.ts'
import { inLibrary, isTest, type Workspace, within } from './workspace.ts'

export function checkExports(workspace: Workspace): Finding[] {
  const files = [...workspace.sources.values()].filter(
    ({ path }) => /^packages\/[^/]+\/src\//.test(path) && !isTest(path),
  )
  return [...declaredOnce(files), ...files.flatMap(namedForExport)]
}

interface Declaration {
  readonly file: SourceFile
  readonly line: number
}

function declaredOnce(files: readonly SourceFile[]): Finding[] {
  const declarations = new Map<string, Declaration[]>()
  for (const file of files)
    for (const [name, line] of declaredExports(file)) {
      const key = `${spaceOf(file.path)} ${name}`
      declarations.set(key, [...(declarations.get(key) ?? []), { file, line }])
    }
  return [...declarations].flatMap(([key, all]) => {
    const [first, ...others] = withoutTwins(all)
    if (!first) return []
    const name = key.slice(key.indexOf(' ') + 1)
    return others.map(({ file, line }) => {
      const message = `'${name}' is declared in ${first.file.path} too: import it, or give one of them another name`
      return { path: file.path, line, rule: 'declared-once', message }
    })
  })
}

/** Names are unique within a package; a module of `compat` speaks the words of its framework. */
function spaceOf(path: string): string {
  const local = inLibrary(path)
  if (local?.startsWith('compat/')) return local.split('/').slice(0, 2).join('/')
  return path.split('/').slice(0, 2).join('/')
}

/** The adapters of a port declare the same names: the first of them stands for all. */
function withoutTwins(all: readonly Declaration[]): Declaration[] {
  const adapterOf = ({ file }: Declaration) =>
    adapterFolders.find((folder) => within(inLibrary(file.path) ?? '', folder))
  const used = adapterFolders.filter((folder) => all.some((each) => adapterOf(each) === folder))
  return all.filter((each) => adapterOf(each) === undefined || adapterOf(each) === used[0])
}

/** The names that a file declares and exports, each with its line. */
function declaredExports(file: SourceFile): Map<string, number> {
  const imported = new Set(
    (file.program.body as Node[])
      .filter(({ type }) => type === 'ImportDeclaration')
      .flatMap(({ specifiers }) => (specifiers as Node[]).map(({ local }) => local.name as string)),
  )
  const found = new Map<string, number>()
  for (const statement of file.program.body as Node[]) {
    if (statement.type !== 'ExportNamedDeclaration' || statement.source) continue
    const { declaration, specifiers } = statement
    const names: (string | undefined)[] = declaration
      ? declaration.type === 'VariableDeclaration'
        ? (declaration.declarations as Node[]).map(({ id }) => id.name)
        : [declaration.id?.name]
      : (specifiers as Node[]).filter(({ local }) => !imported.has(local.name)).map(({ exported }) => exported.name)
    for (const name of names)
      if (name !== undefined && !found.has(name)) found.set(name, lineOf(file.text, statement.start))
  }
  return found
}

/**
 * A file can be opened by the name of what it exports. Where it exports one function, class or object, it has that name.
 * Where it exports several, each word of its own name stands in the name of an export or of its folder. Ports (`agent-port`), codes, tables and migrations carry their kind beside it; an entry point stands for its folder.
 */
function namedForExport(file: SourceFile): Finding[] {
  const [name = ''] = (file.path.split('/').at(-1) ?? '').split('.')
  const isEntry = name === 'index' || file.path.split('/').length === 4
  if (inLibrary(file.path) === undefined || isEntry || /(^|-)(codes|migrations|tables)$/.test(name)) return []
  const names = [...declaredExports(file).keys()]
  const exported = names.flatMap(subWords)
  const folders = file.path.split('/').slice(3, -1).flatMap(subWords)
  const own = subWords(name.replace(/-port$/, '')).filter((word) => word !== 'and')
  const main = mainExport(file)
  if (main !== undefined && !isNamedFor(main, name, folders)) {
    const message = `'${name}' is not named for its main export (${main}): rename one of them`
    return [{ path: file.path, line: 1, rule: 'named-for-export', message }]
  }
  const isIn = (words: readonly string[]) => (word: string) => words.some((each) => haveOneStem(each, word))
  if (names.length === 0 || (own.every(isIn([...exported, ...folders])) && own.some(isIn(exported)))) return []
  const message = `'${name}' is not named for what the file exports (${names.slice(0, 4).join(', ')}): rename one of them`
  return [{ path: file.path, line: 1, rule: 'named-for-export', message }]
}

/** What a file is for, where it is plain: the only export that exists at run time, unless a type has the name of the file. */
function mainExport(file: SourceFile): string | undefined {
  const [name = ''] = (file.path.split('/').at(-1) ?? '').split('.')
  const spelled = name.replace(/-port$/, '').replaceAll('-', '')
  const declarations = (file.program.body as Node[])
    .filter(({ type, source }) => type === 'ExportNamedDeclaration' && !source)
    .flatMap(({ declaration }) => (declaration ? [declaration as Node] : []))
  const types = declarations.filter(({ type }) => /^TS(Interface|TypeAlias)Declaration$/.test(type))
  if (types.some(({ id }) => id.name.toLowerCase() === spelled) || name.endsWith('-port')) return undefined
  const values = declarations
    .filter((each) => !types.includes(each))
    .flatMap(({ id, declarations: variables }) =>
      variables ? (variables as Node[]).map((v) => v.id?.name) : [id?.name],
    )
  const distinct = [...new Set(values as (string | undefined)[])]
  return distinct.length === 1 ? distinct[0] : undefined
}

/** The verb of a factory, what the folder says already and a preposition at the end may be left out. */
function isNamedFor(main: string, name: string, folders: readonly string[]): boolean {
  const words = subWords(main)
  const own = name.replaceAll('-', '')
  const ends = [words, /^(of|in)$/.test(words.at(-1) ?? '') ? words.slice(0, -1) : words]
  return ends.some((some) => {
    const isOptional = (word = '') =>
      /^(create|open|define|add)$/.test(word) || folders.some((each) => haveOneStem(each, word))
    const candidates = [
      some,
      isOptional(some[0]) ? some.slice(1) : some,
      isOptional(some.at(-1)) ? some.slice(0, -1) : some,
    ]
    return candidates.some((candidate) => candidate.join('') === own)
  })
}

/** `visibility` and `visible`, `elicitation` and `elicit`: their first four letters agree, or all of a shorter word. */
function haveOneStem(a: string, b: string): boolean {
  const stem = Math.min(4, a.length, b.length)
  return a.slice(0, stem) === b.slice(0, stem)
}
