/** Instructions of an agent that a file has, such as AGENTS.md. They are read when the agent is defined. */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkOptions, checkPath, failure, fieldOf } from '../../core/index.ts'
import { pathInside } from '../skills/path-inside.ts'

/** A file with instructions. */
export interface InstructionsFile {
  /**
   * The path of a text of at most 256 KiB, such as `AGENTS.md`, relative to the project. The project is the working directory;
   * the file must be inside it, also through symbolic links.
   */
  readonly file: string
  /** A text that follows the text of the file. */
  readonly text?: string
}

const maxFileBytes = 256 * 1024

/**
 * Reads the file and joins both texts.
 * @param at.base The folder that a relative path begins at.
 * @param at.project The folder that the file must be inside.
 * @throws ValidationError `instructions.unreadable` or `instructions.outside`
 */
export function readInstructionsFile(
  agent: string,
  instructions: InstructionsFile,
  at: { readonly base: string; readonly project: string } = { base: '.', project: '.' },
): string {
  checkOptions(`the instructions of ${agent}`, instructions, ['file', 'text'])
  const { file, text = '' } = instructions
  const path = resolve(at.base, checkPath(`The file of instructions of ${agent}`, file))
  if (typeof text !== 'string')
    throw failure('agent.wrong', { agent, problem: 'the text of its instructions is not a text' })
  const unreadable = (problem: string, cause?: unknown) =>
    failure('instructions.unreadable', { agent, path: file, problem }, cause === undefined ? {} : { cause })
  let read: string
  try {
    const real = pathInside(at.project, path)
    if (real === undefined) throw failure('instructions.outside', { agent, path: file, project: resolve(at.project) })
    const found = statSync(real)
    if (!found.isFile()) throw unreadable('it is not a file')
    if (found.size > maxFileBytes) throw unreadable(`it has ${found.size} bytes, the limit is ${maxFileBytes}`)
    read = readFileSync(real, 'utf8')
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    if (code?.startsWith('instructions.')) throw error
    throw unreadable(code === 'ENOENT' ? 'it does not exist' : message, error)
  }
  if (read.includes('\u0000') || read.includes('\uFFFD')) throw unreadable('it is not a text in UTF-8')
  return [read.trim(), text].filter((part) => part !== '').join('\n\n')
}

/** Returns whether instructions name a file. */
export const isInstructionsFile = (instructions: unknown): instructions is InstructionsFile =>
  typeof instructions === 'object' && instructions !== null && fieldOf(instructions, 'file') !== undefined
