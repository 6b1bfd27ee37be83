/** Names, sizes and places of files, and what must not stand in any of them. */
import { dirname } from 'node:path'
import type { Finding } from './finding.ts'
import { isModule, libraryRoot } from './modules.ts'
import { isTest, type Workspace } from './workspace.ts'

const maxLines = 400
/** Beside each other in a folder of the library: more are not read as one list. */
const maxSources = 15
const source = /\.(ts|tsx|mts|mjs|js|css)$/
const nameless = /(^|\/)(types|utils?|helpers?|interfaces?|common|misc)\.tsx?$/
/** Homes and working folders of one machine; a path like these in the tree is somebody's leftover. */
const machinePath = /(?<![\w.~-])\/(?:root|work|farm|home\/\w+|Users\/\w+)\/\w/

export function checkFiles(workspace: Workspace): Finding[] {
  return [
    ...workspace.paths.flatMap((path) => checkFile(path, () => workspace.text(path))),
    ...checkFolders(workspace),
    ...checkModules(workspace),
  ]
}

function checkFile(path: string, read: () => string): Finding[] {
  if (path === 'package-lock.json') return []
  const findings: Finding[] = []
  const add = (line: number, rule: string, message: string) => findings.push({ path, line, rule, message })
  const lines = read().split('\n')
  if (source.test(path) && lines.length - 1 > maxLines)
    add(maxLines, 'size', `${lines.length - 1} lines, at most ${maxLines}: split it`)
  if (nameless.test(path)) add(1, 'name', 'a file is named for the one thing it holds')
  lines.forEach((line, index) => {
    if (machinePath.test(line)) add(index + 1, 'machine-path', `a path of one machine: ${line.trim().slice(0, 80)}`)
  })
  if (path.startsWith(`${libraryRoot}/`) && !isTest(path) && !/^(#!.*\n)?\s*\/[/*]/.test(lines.slice(0, 2).join('\n')))
    add(1, 'header', 'a file starts with a comment that says what it is and its invariant')
  return findings
}

function checkFolders(workspace: Workspace): Finding[] {
  const sources = workspace.paths.filter((path) => path.startsWith(`${libraryRoot}/`) && !isTest(path))
  return [...Map.groupBy(sources, dirname)].flatMap(([folder, { length }]) =>
    length > maxSources
      ? [
          {
            path: folder,
            line: 1,
            rule: 'folder',
            message: `${length} sources, at most ${maxSources}: make folders of them`,
          },
        ]
      : [],
  )
}

/** Every folder of the library's root is a module with an index.ts. */
function checkModules(workspace: Workspace): Finding[] {
  const library = workspace.paths.filter((path) => path.startsWith(`${libraryRoot}/`)).map((path) => path.split('/'))
  const folders = new Set(library.filter((parts) => parts.length > 4).map((parts) => parts[3] as string))
  return [...folders].flatMap((moduleName) => {
    const path = `${libraryRoot}/${moduleName}/index.ts`
    if (!isModule(moduleName))
      return [{ path, line: 1, rule: 'module', message: `'${moduleName}' is not in the list of modules` }]
    if (workspace.paths.includes(path)) return []
    return [{ path, line: 1, rule: 'index', message: `the module ${moduleName} has no index.ts` }]
  })
}
