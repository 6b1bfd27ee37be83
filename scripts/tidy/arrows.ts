/** Directions of imports: modules import only earlier modules, only through their index.ts, and adapters only where a troupe is wired. */
import type { Finding } from './finding.ts'
import {
  adapterFolders,
  adapterNames,
  isModule,
  libraryRoot,
  loadedOnFirstUse,
  pureFolders,
  rejection,
  wirers,
} from './modules.ts'
import type { Import, SourceFile } from './source-file.ts'
import { inLibrary, isTest, resolveImport, type Workspace, within } from './workspace.ts'

export function checkArrows(workspace: Workspace): Finding[] {
  const named = namedAdapters(workspace)
  return [...workspace.sources.values()].flatMap((file) =>
    file.imports.flatMap((found) => {
      const at = (rule: string, message: string): Finding => ({ path: file.path, line: found.line, rule, message })
      const target = resolveImport(file.path, found.specifier)
      const problems = target === undefined ? packageArrow(file, found) : fileArrow(file, found, target, named)
      return problems.map(([rule, message]) => at(rule, message))
    }),
  )
}

type Problem = readonly [rule: string, message: string]

function packageArrow(file: SourceFile, found: Import): Problem[] {
  const local = inLibrary(file.path)
  if (local === undefined || isTest(file.path)) return []
  if (/^troupe(\/|$)/.test(found.specifier)) return [['self', 'the library imports its own files by relative paths']]
  if (found.typeOnly) return []
  const pure = Object.keys(pureFolders).find((folder) => within(local, folder))
  if (pure) return [['pure', `${pure} is pure: it imports no package ('${found.specifier}')`]]
  const heavy = loadedOnFirstUse.find((name) => found.specifier === name || found.specifier.startsWith(slashed(name)))
  return heavy && !found.dynamic
    ? [['heavy', `'${found.specifier}' loads on first use: import type, or await import('${found.specifier}')`]]
    : []
}

const slashed = (name: string): string => (name.endsWith('/') ? name : `${name}/`)

function fileArrow(
  file: SourceFile,
  found: Import,
  target: string,
  named: ReadonlyMap<string, Set<string>>,
): Problem[] {
  const home = homeOf(file.path)
  if (!within(target, home))
    return [['workspace', `'${found.specifier}' leaves ${home}: import the public subpaths of the other package`]]
  const to = inLibrary(target)
  if (to === undefined) return []
  const from = inLibrary(file.path)
  return from === undefined ? suiteArrow(to) : libraryArrow(file, found, { from, to }, named)
}

/** A workspace of its own: `packages/troupe`, `examples/research`, `bench`. */
const homeOf = (path: string): string =>
  path
    .split('/')
    .slice(0, path.startsWith('bench/') ? 1 : 2)
    .join('/')

/** The suites of packages/troupe/test cross all modules, but through each one's index.ts and the public entries. */
const suiteArrow = (to: string): Problem[] =>
  to.includes('/') && (to.split('/').length > 2 || !to.endsWith('index.ts')) ? [deep(to)] : []

const deep = (to: string): Problem => {
  const [moduleName = ''] = to.split('/')
  return ['deep', `'${to}' is inside the module ${moduleName}: import ${moduleName}/index.ts`]
}

interface Arrow {
  readonly from: string
  readonly to: string
}

function libraryArrow(
  file: SourceFile,
  found: Import,
  { from, to }: Arrow,
  named: ReadonlyMap<string, Set<string>>,
): Problem[] {
  const [fromModule = '', toModule = ''] = [moduleOf(from), moduleOf(to)]
  const problems: Problem[] = []
  if (fromModule === toModule && fromModule !== '') return withinModule(file, { from, to })
  // A test of a module may build on every module and on the fixtures of their tests: nothing imports it.
  if (isTest(file.path)) return []
  // The entry may be of several files.
  if (toModule === '') return fromModule === '' ? [] : [['arrow', `'${to}' is the public entry: no module imports it`]]
  if (!isModule(toModule)) return [['arrow', `'${toModule}' is not in the list of modules`]]
  if (to !== `${toModule}/index.ts`) problems.push(deep(to))
  const rejected = fromModule === '' ? undefined : rejection(fromModule, toModule)
  if (rejected) problems.push(['arrow', `${rejected}: ${from} imports ${to}`])
  problems.push(...pureArrow(file, found, from, toModule), ...adapterArrow(file, found, from, named.get(toModule)))
  return problems
}

function withinModule(file: SourceFile, { from, to }: Arrow): Problem[] {
  const pure = Object.keys(pureFolders).find((folder) => within(from, folder))
  if (pure && !within(to, pure) && !isTest(file.path))
    return [['pure', `${pure} is pure: it imports nothing else of its own module ('${to}')`]]
  const adapter = adapterFolders.find((folder) => within(to, folder) && !within(from, folder))
  if (!adapter || from === `${moduleOf(from)}/index.ts` || isTest(file.path)) return []
  return [['adapter', `${adapter} is a concrete adapter: in its module only index.ts names it`]]
}

function pureArrow(file: SourceFile, found: Import, from: string, toModule: string): Problem[] {
  const pure = Object.entries(pureFolders).find(([folder]) => within(from, folder))
  if (!pure || found.typeOnly || isTest(file.path) || pure[1].includes(toModule)) return []
  return [['pure', `${pure[0]} is pure: of the modules it uses only ${pure[1].join(', ')}, not ${toModule}`]]
}

function adapterArrow(file: SourceFile, found: Import, from: string, adapters: Set<string> | undefined): Problem[] {
  if (!adapters || wirers.some(({ at }) => within(from, at)) || isTest(file.path)) return []
  return found.names
    .filter((name) => adapters.has(name))
    .map((name): Problem => ['adapter', `${name} is a concrete adapter, which only startup names: take the port`])
}

/** The module of a path below the library's root; '' for the public entries. */
const moduleOf = (local: string): string => (local.includes('/') ? local.slice(0, local.indexOf('/')) : '')

/** For each module, the names under which its index.ts exports concrete adapters. */
function namedAdapters(workspace: Workspace): ReadonlyMap<string, Set<string>> {
  const named = new Map(Object.entries(adapterNames).map(([moduleName, names]) => [moduleName, new Set(names)]))
  for (const folder of adapterFolders) {
    const moduleName = moduleOf(folder)
    const entryPoint = workspace.sources.get(`${libraryRoot}/${moduleName}/index.ts`)
    const names = named.get(moduleName) ?? new Set()
    for (const found of entryPoint?.imports ?? []) {
      const target = resolveImport(`${libraryRoot}/${moduleName}/index.ts`, found.specifier)
      if (!found.reExports || !target || !within(inLibrary(target) ?? '', folder)) continue
      for (const name of found.names) {
        if (name !== '*') names.add(name)
        else for (const each of exportsOf(workspace, target)) names.add(each)
      }
    }
    named.set(moduleName, names)
  }
  return named
}

function exportsOf(workspace: Workspace, path: string): string[] {
  const file = workspace.sources.get(path)
  if (!file) return []
  const passedOn = file.imports
    .filter((found) => found.reExports)
    .flatMap((found) => {
      const target = resolveImport(path, found.specifier)
      return found.names.includes('*') ? (target ? exportsOf(workspace, target) : []) : found.names
    })
  return [...file.declares, ...passedOn]
}
