/** Agents in folders of their own: `agents/<name>/agent.ts`, which exports one, or `agent.md`, which describes one. */
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { misused } from '../exit-codes.ts'
import { agentOf, agentSchema, type Definition } from './team-file.ts'

const code = ['agent.ts', 'agent.mts', 'agent.js', 'agent.mjs']

/** In the order of their names; none where there is no such folder. */
export async function readAgentsFolder(cwd: string): Promise<readonly Definition[]> {
  const folder = join(cwd, 'agents')
  const found = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw misused(`${folder} cannot be read: ${error.message}.`)
  })
  const agents: Definition[] = []
  for (const name of found.flatMap((one) => (one.isDirectory() ? [one.name] : [])).sort()) {
    const agent = await readAgent(join(folder, name), name)
    if (agent) agents.push(agent)
  }
  return agents
}

async function readAgent(folder: string, name: string): Promise<Definition | undefined> {
  const files = await readdir(folder)
  const module = code.find((file) => files.includes(file))
  if (module !== undefined) return imported(join(folder, module))
  return files.includes('agent.md') ? described(join(folder, 'agent.md'), name) : undefined
}

async function imported(path: string): Promise<Definition> {
  const module = (await import(pathToFileURL(resolve(path)).href).catch((error: Error) => {
    throw misused(`${path} cannot be loaded: ${error.message}`)
  })) as { readonly default?: Definition }
  if (typeof module.default?.name === 'string') return module.default
  throw misused(`${path} exports no agent.`, 'Its default export is what defineAgent or new LlmAgent gives.')
}

/** What stands between two lines of `---` is YAML; the rest are the instructions. */
async function described(path: string, name: string): Promise<Definition> {
  const text = await readFile(path, 'utf8')
  const { head = '', body = '' } = /^(?:---\r?\n(?<head>.*?)\r?\n---\r?\n)?(?<body>.*)$/s.exec(text)?.groups ?? {}
  const facts = (await import('yaml')).parse(head) as object | null
  const checked = agentSchema.safeParse({ ...facts, instructions: body.trim() })
  if (checked.success) return agentOf(name, checked.data)
  const problems = checked.error.issues.map(({ path: at, message }) => `${at.join('.') || 'it'}: ${message}`)
  throw misused(`${path} describes no agent: ${problems.join('; ')}`)
}
