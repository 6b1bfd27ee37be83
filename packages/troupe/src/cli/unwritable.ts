/** The error of a command whose files cannot be written, with what to do about it. */
import { CliError, exitCodes, misused } from './exit-codes.ts'

const full = /\b(ENOSPC|EDQUOT)\b/
const denied = /\b(EACCES|EPERM|EROFS)\b/

/** @param problem the message of Node or npm, which contains the code of the system */
export function unwritable(path: string, problem: string): CliError {
  const message = `${path} cannot be written: ${problem}.`
  if (full.test(problem))
    return new CliError(message, {
      exit: exitCodes.failed,
      hint: 'Free some space on this disk, and repeat the command: complete files stay as they are.',
    })
  if (denied.test(problem)) return misused(message, 'Choose a folder in which you may create files.')
  if (problem.startsWith('EEXIST')) return misused(message, 'Name a new file: no file is replaced.')
  return misused(message, 'Choose another folder: part of this path is not a folder, or not a file.')
}
