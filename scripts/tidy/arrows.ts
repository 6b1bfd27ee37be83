/** Who imports whom: rooms only upward, only through their door, and adapters only where they are wired. */
import type { Finding } from './finding.ts'
import {
  adapterFolders,
  adapterNames,
  isRoom,
  libraryRoot,
  loadedOnFirstUse,
  pureFolders,
  refusal,
  wirers,
} from './rooms.ts'
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

/** The suites of packages/troupe/test cross all rooms, but through their doors. */
const suiteArrow = (to: string): Problem[] => (to.split('/').length > 2 || !to.endsWith('index.ts') ? [deep(to)] : [])

const deep = (to: string): Problem => {
  const [room = ''] = to.split('/')
  return ['deep', `'${to}' lies inside the room ${room}: import ${room}/index.ts`]
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
  const [fromRoom = '', toRoom = ''] = [roomOf(from), roomOf(to)]
  const problems: Problem[] = []
  if (fromRoom === toRoom && fromRoom !== '') return insideRoom(file, { from, to })
  // The entry may be of several files.
  if (toRoom === '')
    return isTest(file.path) || fromRoom === '' ? [] : [['arrow', `'${to}' is the public entry: no room imports it`]]
  if (!isRoom(toRoom)) return [['arrow', `'${toRoom}' is not in the list of rooms`]]
  if (to !== `${toRoom}/index.ts`) problems.push(deep(to))
  const refused = fromRoom === '' ? undefined : refusal(fromRoom, toRoom)
  if (refused && !(toRoom === 'testing' && isTest(file.path)))
    problems.push(['arrow', `${refused}: ${from} imports ${to}`])
  problems.push(...pureArrow(file, found, from, toRoom), ...adapterArrow(file, found, from, named.get(toRoom)))
  return problems
}

function insideRoom(file: SourceFile, { from, to }: Arrow): Problem[] {
  const pure = Object.keys(pureFolders).find((folder) => within(from, folder))
  if (pure && !within(to, pure) && !isTest(file.path))
    return [['pure', `${pure} is pure: it imports nothing of its own room ('${to}')`]]
  const adapter = adapterFolders.find((folder) => within(to, folder) && !within(from, folder))
  if (!adapter || from === `${roomOf(from)}/index.ts` || isTest(file.path)) return []
  return [['adapter', `${adapter} is a concrete adapter: in its room only index.ts names it`]]
}

function pureArrow(file: SourceFile, found: Import, from: string, toRoom: string): Problem[] {
  const pure = Object.entries(pureFolders).find(([folder]) => within(from, folder))
  if (!pure || found.typeOnly || isTest(file.path) || pure[1].includes(toRoom)) return []
  return [['pure', `${pure[0]} is pure: of the rooms it uses only ${pure[1].join(', ')}, not ${toRoom}`]]
}

function adapterArrow(file: SourceFile, found: Import, from: string, adapters: Set<string> | undefined): Problem[] {
  if (!adapters || wirers.some(({ at }) => within(from, at)) || isTest(file.path)) return []
  return found.names
    .filter((name) => adapters.has(name))
    .map((name): Problem => ['adapter', `${name} is a concrete adapter, which only the runtime names: take the port`])
}

/** The room of a path below the library's root; '' for the public entries beside the rooms. */
const roomOf = (local: string): string => (local.includes('/') ? local.slice(0, local.indexOf('/')) : '')

/** For each room, the names by which its door gives out concrete adapters. */
function namedAdapters(workspace: Workspace): ReadonlyMap<string, Set<string>> {
  const named = new Map(Object.entries(adapterNames).map(([room, names]) => [room, new Set(names)]))
  for (const folder of adapterFolders) {
    const room = roomOf(folder)
    const door = workspace.sources.get(`${libraryRoot}/${room}/index.ts`)
    const names = named.get(room) ?? new Set()
    for (const found of door?.imports ?? []) {
      const target = resolveImport(`${libraryRoot}/${room}/index.ts`, found.specifier)
      if (!found.reExports || !target || !within(inLibrary(target) ?? '', folder)) continue
      for (const name of found.names) {
        if (name !== '*') names.add(name)
        else for (const each of exportsOf(workspace, target)) names.add(each)
      }
    }
    named.set(room, names)
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
