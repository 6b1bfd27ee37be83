/** A first team, that runs as it is: without a key, without a network. */
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CliCommand, text } from '../cli-command.ts'
import { misused } from '../exit-codes.ts'

const templates = ['agent', 'team', 'worker'] as const

export const initCommand: CliCommand = {
  name: 'init',
  parameters: '[folder]',
  description: 'makes a first project that runs without a key; files that are there stay as they are',
  options: [['--template <name>', `${templates.join(', ')} (default: team)`]],
  async run({ out }, [folder = '.'], options) {
    const template = text(options, 'template') ?? 'team'
    if (!templates.some((one) => one === template))
      throw misused(`There is no template ${template}.`, `There are ${templates.join(', ')}.`)
    const from = fileURLToPath(new URL(`../../../templates/${template}/`, import.meta.url))
    const names = (await readdir(from, { recursive: true, withFileTypes: true })).flatMap((one) =>
      one.isFile() ? [join(one.parentPath, one.name)] : [],
    )
    const written: string[] = []
    const unchanged: string[] = []
    for (const path of names.sort()) {
      const name = relative(from, path).replace(/^gitignore$/, '.gitignore')
      const to = join(resolve(folder), name)
      ;((await made(to, await readFile(path))) ? written : unchanged).push(name)
    }
    const todo = await missing(resolve(folder), from)
    out.show({ folder: resolve(folder), written, unchanged }, () =>
      [
        ...written.map((name) => `wrote  ${name}`),
        ...unchanged.map((name) => `kept   ${name}`),
        '',
        'Now:',
        ...(folder === '.' ? [] : [`  cd ${/[^\w./\\:~-]/.test(folder) ? `"${folder}"` : folder}`]),
        ...todo,
        ...next[template as (typeof templates)[number]],
      ].join('\n'),
    )
    return undefined
  },
}

/** @returns false where there is a file of this name */
async function made(to: string, content: Buffer): Promise<boolean> {
  try {
    await mkdir(dirname(to), { recursive: true })
    await using file = await open(to, 'wx')
    await file.writeFile(content).catch(async (error: Error) => {
      // What is there in part would be kept the next time.
      await rm(to, { force: true })
      throw error
    })
    return true
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(to).catch(() => undefined))?.isFile()) return false
    throw misused(`${to} cannot be written: ${message}.`)
  }
}

/** What a `package.json` that was there lacks, as the commands that add it. */
async function missing(folder: string, template: string): Promise<readonly string[]> {
  const { type, dependencies = {} } = readPackage(await readFile(join(folder, 'package.json'), 'utf8'))
  const wanted = readPackage(await readFile(join(template, 'package.json'), 'utf8')).dependencies ?? {}
  const absent = Object.keys(wanted).filter((name) => !(name in dependencies))
  return [...(type === 'module' ? [] : ['  npm pkg set type=module']), ['  npm install', ...absent].join(' ')]
}

function readPackage(text: string): { readonly type?: unknown; readonly dependencies?: object } {
  try {
    return (JSON.parse(text) ?? {}) as { readonly type?: unknown; readonly dependencies?: object }
  } catch {
    throw misused('package.json is no JSON.', 'Correct it, and run troupe init again: what is written stays.')
  }
}

const next = {
  agent: ['  npx troupe run Guide "What is a lane?"', '  npx troupe chat Guide'],
  team: ['  npx troupe check', '  npx troupe run notes "What did we decide about the press?"', '  npx troupe serve'],
  worker: ['  node worker.ts'],
}
