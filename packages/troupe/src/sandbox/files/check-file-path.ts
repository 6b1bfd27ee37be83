/** Paths of files in a workspace: relative, in one form, and without a way out. */
import { failure, show } from '../../core/index.ts'
import { filePathProblem } from './file-path-problem.ts'

/**
 * Returns the path without a leading `./`.
 * @throws ValidationError `sandbox.path`
 */
export function checkFilePath(path: unknown): string {
  const wrong = (problem: string) => failure('sandbox.path', { path: show(path), problem })
  if (typeof path !== 'string') throw wrong('it is not a text')
  const relative = path.startsWith('./') ? path.slice(2) : path
  const problem = filePathProblem(relative)
  if (problem !== undefined) throw wrong(problem)
  return relative
}
