/** Why code of a project could not be loaded, and where. */
import { fileURLToPath, pathToFileURL } from 'node:url'
import { TroupeError } from '../../core/index.ts'
import { packageFolder } from '../package-folder.ts'

export interface CodeProblem {
  readonly problem: string
  /** The package that the code needs and that is not installed. */
  readonly package?: string
}

/** @param path of the file that was to be loaded */
export function codeProblem(error: unknown, path: string): CodeProblem {
  const message = error instanceof Error ? error.message : String(error)
  const missing = /^Cannot find package '((?:@[^'/]+\/)?[^'/]+)/.exec(message)?.[1]
  const location = locationOf(error, path)
  const hint = error instanceof TroupeError && error.hint ? ` ${error.hint}` : ''
  return {
    problem: `${location === undefined ? '' : `${location}: `}${message}${hint}`,
    ...(missing === undefined ? {} : { package: missing }),
  }
}

/** A URL anywhere, or a path at the beginning: the form of syntax errors in a folder without `"type": "module"`. */
const stackLocations = /(file:\/\/[^\n]*?|^(?:\/|[A-Za-z]:\\)[^\n]*?):(\d+)(?=[\s:)]|$)/g

/** Returns the first line of the project that the stack names. */
function locationOf(error: unknown, path: string): string | undefined {
  const folder = packageFolder()
  const ours = folder === undefined ? undefined : `${pathToFileURL(folder).href}/`
  const { stack } = Object(error) as { readonly stack?: unknown }
  for (const { 1: location = '', 2: line } of String(stack ?? '').matchAll(stackLocations)) {
    if ((ours && location.startsWith(ours)) || location.includes('/node_modules/')) continue
    const file = URL.canParse(location) && location.startsWith('file:') ? fileURLToPath(location) : location
    return file === path ? `line ${line}` : `${file}:${line}`
  }
  return undefined
}
