/** Tools of a model over the sandbox: one executes code, the others work on the files. */
import { z } from 'zod'
import { checkFlag, checkOptions, invalidInput, truncateText } from '../core/index.ts'
import type { SandboxFiles } from '../sandbox/index.ts'
import { defineTool, type Tool } from './define-tool.ts'

const maxLines = 400
const maxMatches = 100
const maxLineLength = 400

const path = z.string().min(1).max(512).describe('Relative, such as src/main.js.')

/**
 * Returns the tool `run_code`, which executes code over the files of the run, or of the thread of a session. It takes
 * JavaScript and TypeScript; other languages are those of the engines of the troupe.
 * @example new LlmAgent({ name: 'Analyst', model, tools: [...sandboxTools(), ...workspaceTools()] })
 */
export const sandboxTools = (): readonly Tool[] => [
  defineTool({
    name: 'run_code',
    description:
      'Executes code in a sandbox, as a module with top-level await, and returns what it prints. It has no network. ' +
      'The global `files` has read(path), write(path, text), remove(path) and list(); `import` finds the same files.',
    inputSchema: z.object({
      code: z.string().min(1),
      language: z.string().optional().describe('javascript by default; typescript is known, too.'),
      timeout: z.number().positive().max(600).optional().describe('Seconds.'),
    }),
    durable: true,
    execute: async ({ code, language, timeout }, { ctx }) => {
      const { exitCode, stdout, stderr, files } = await ctx.sandbox.run({
        code,
        ...(language === undefined ? {} : { language }),
        ...(timeout === undefined ? {} : { timeout: `${Math.ceil(timeout * 1000)}ms` }),
      })
      return { exit_code: exitCode, stdout, stderr, files }
    },
  }),
]

/**
 * Returns the tools `list_files`, `read_file`, `write_file`, `edit_file`, `remove_file`, `search_files` and `diff_files`, over the
 * files of the run, or of the thread of a session.
 * @param options.readOnly leaves out those that change files
 */
export function workspaceTools(options: { readonly readOnly?: boolean } = {}): readonly Tool[] {
  checkOptions('workspaceTools', options, ['readOnly'])
  const readOnly = options.readOnly !== undefined && checkFlag('workspaceTools.readOnly', options.readOnly)
  const reading = [listFiles(), readFile(), searchFiles(), diffFiles()]
  return readOnly ? reading : [...reading, writeFile(), editFile(), removeFile()]
}

const listFiles = () =>
  defineTool({
    name: 'list_files',
    description: 'Lists the files of the workspace with their versions and sizes.',
    inputSchema: z.object({ prefix: z.string().optional().describe('Only paths with this prefix.') }),
    durable: true,
    execute: async ({ prefix }, { ctx }) => ({
      files: [...(await ctx.sandbox.files.list(prefix === undefined ? {} : { prefix }))],
    }),
  })

const readFile = () =>
  defineTool({
    name: 'read_file',
    description: `Reads lines of a text file, at most ${maxLines} at once, each with its number.`,
    inputSchema: z.object({
      path,
      from: z.number().int().min(1).optional(),
      to: z.number().int().min(1).optional(),
    }),
    durable: true,
    execute: async ({ path: file, from = 1, to = Number.MAX_SAFE_INTEGER }, { ctx }) => {
      const lines = (await ctx.sandbox.files.read(file)).split('\n')
      const last = Math.min(lines.length, to, from + maxLines - 1)
      const shown = lines.slice(from - 1, last).map((line, i) => `${from + i}\t${line}`)
      return { path: file, from, to: last, lines: lines.length, text: shown.join('\n') }
    },
  })

const writeFile = () =>
  defineTool({
    name: 'write_file',
    description: 'Writes a text file: a new one, or all of one that exists.',
    inputSchema: z.object({ path, text: z.string() }),
    durable: true,
    execute: ({ path: file, text }, { ctx }) => ctx.sandbox.files.write(file, text),
  })

const editFile = () =>
  defineTool({
    name: 'edit_file',
    description: 'Replaces a passage of a text file. The passage must occur exactly once, unless `all` is true.',
    inputSchema: z.object({ path, old: z.string().min(1), new: z.string(), all: z.boolean().optional() }),
    durable: true,
    execute: async ({ path: file, old, new: replacement, all = false }, { ctx }) => {
      const text = await ctx.sandbox.files.read(file)
      const parts = text.split(old)
      const found = parts.length - 1
      if (found === 0 || (found > 1 && !all)) {
        const problem = found === 0 ? 'it does not contain the passage' : `it contains the passage ${found} times`
        throw invalidInput(`The edit of ${file}`, problem)
      }
      const { version } = await ctx.sandbox.files.write(file, parts.join(replacement))
      return { path: file, version, replaced: found }
    },
  })

const removeFile = () =>
  defineTool({
    name: 'remove_file',
    description: 'Removes a file.',
    inputSchema: z.object({ path }),
    durable: true,
    execute: async ({ path: file }, { ctx }) => ({ path: file, removed: await ctx.sandbox.files.remove(file) }),
  })

const searchFiles = () =>
  defineTool({
    name: 'search_files',
    description: `Finds the lines of text files that contain a text, whatever its case; at most ${maxMatches}.`,
    inputSchema: z.object({ text: z.string().min(1).max(1_000), prefix: z.string().optional() }),
    durable: true,
    execute: async ({ text, prefix }, { ctx }) => {
      const { files } = ctx.sandbox
      const matches: { path: string; line: number; text: string }[] = []
      for (const { path: file } of await files.list(prefix === undefined ? {} : { prefix })) {
        for (const [i, line] of (await linesOf(files, file)).entries())
          if (line.toLowerCase().includes(text.toLowerCase()) && matches.length < maxMatches)
            matches.push({ path: file, line: i + 1, text: truncateText(line, maxLineLength) })
        if (matches.length >= maxMatches) break
      }
      return { matches, more: matches.length >= maxMatches }
    },
  })

/** Returns the lines of a file; none if it is not text. */
async function linesOf(files: SandboxFiles, file: string): Promise<readonly string[]> {
  const bytes = await files.readBytes(file)
  return bytes.includes(0) ? [] : new TextDecoder().decode(bytes).split('\n')
}

const diffFiles = () =>
  defineTool({
    name: 'diff_files',
    description: 'Shows how the files differ from a snapshot that a tool returned, or all files without one.',
    inputSchema: z.object({
      from: z.object({ files: z.array(z.tuple([z.string(), z.number()])) }).optional(),
    }),
    durable: true,
    execute: async ({ from }, { ctx }) => {
      const snapshot = await ctx.sandbox.snapshot()
      const changes = await ctx.sandbox.files.diff(from === undefined ? {} : { from })
      return { changes: [...changes], snapshot: { files: snapshot.files.map(([file, version]) => [file, version]) } }
    },
  })
