/** A first team, that runs as it is: without a key, without a network. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Command, text } from '../command.ts'
import { misused } from '../exit-codes.ts'

const templates = ['agent', 'team', 'worker'] as const

export const initCommand: Command = {
  name: 'init',
  takes: '[folder]',
  says: 'makes a first project that runs without a key; files that are there stay as they are',
  options: [['--template <name>', `${templates.join(', ')} (default: team)`]],
  async run({ out }, [folder = '.'], options) {
    const template = text(options, 'template') ?? 'team'
    if (!templates.some((one) => one === template))
      throw misused(`There is no template ${template}.`, `There are ${templates.join(', ')}.`)
    const from = new URL(`../../../templates/${template}/`, import.meta.url)
    const names = (await readdir(from, { recursive: true, withFileTypes: true })).flatMap((one) =>
      one.isFile() ? [join(one.parentPath, one.name)] : [],
    )
    const root = new URL('.', from).pathname
    const written: string[] = []
    const kept: string[] = []
    for (const path of names.sort()) {
      const name = path.slice(root.length).replace(/^gitignore$/, '.gitignore')
      const to = join(resolve(folder), name)
      await mkdir(dirname(to), { recursive: true })
      const wrote = await writeFile(to, await readFile(path), { flag: 'wx' }).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false
          throw misused(`${to} cannot be written: ${error.message}.`)
        },
      )
      ;(wrote ? written : kept).push(name)
    }
    out.show({ folder: resolve(folder), written, kept }, () =>
      [
        ...written.map((name) => `wrote  ${name}`),
        ...kept.map((name) => `kept   ${name}`),
        '',
        'Now:',
        ...(folder === '.' ? [] : [`  cd ${folder}`]),
        '  npm install',
        ...next[template as (typeof templates)[number]],
      ].join('\n'),
    )
    return undefined
  },
}

const next = {
  agent: ['  npx troupe run Guide "What is a lane?"', '  npx troupe chat Guide'],
  team: ['  npx troupe check', '  npx troupe run notes "What did we decide about the press?"', '  npx troupe serve'],
  worker: ['  node worker.ts'],
}
