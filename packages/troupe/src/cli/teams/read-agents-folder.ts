/** Reads agents from folders: `agents/<name>/agent.ts`, which exports an agent, or `agent.md`, which describes one. */
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { codeProblem } from '../../configuration/index.ts'
import { misused } from '../exit-codes.ts'
import { agentFromFile, agentSchema } from './agent-from-file.ts'
import { type Definition, problemsOf } from './team-file.ts'

const code = ['agent.ts', 'agent.mts', 'agent.js', 'agent.mjs']

/** Returns the agents in the order of their names; none if the folder does not exist. */
export async function readAgentsFolder(cwd: string): Promise<readonly Definition[]> {
  const folder = join(cwd, 'agents')
  const found = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw misused(`${folder} cannot be read: ${error.message}.`)
  })
  const agents: Definition[] = []
  for (const name of found.flatMap((one) => (one.isDirectory() ? [one.name] : [])).sort()) {
    const agent = await readAgent(join(folder, name), name, cwd)
    if (agent) agents.push(agent)
  }
  return agents
}

async function readAgent(folder: string, name: string, project: string): Promise<Definition | undefined> {
  const files = await readdir(folder)
  const moduleFile = code.find((file) => files.includes(file))
  if (moduleFile !== undefined) return imported(join(folder, moduleFile))
  return files.includes('agent.md') ? described(join(folder, 'agent.md'), name, project) : undefined
}

async function imported(path: string): Promise<Definition> {
  const loaded = (await import(pathToFileURL(resolve(path)).href).catch((error: unknown) => {
    const { problem, package: missing } = codeProblem(error, resolve(path))
    throw misused(`${path} cannot be loaded: ${problem}`, missing && `Run npm install ${missing}.`)
  })) as { readonly default?: Definition }
  // A function in plain clothes would be refused by the first run alone.
  if (typeof loaded.default?.name === 'string' && 'step' in loaded.default) return loaded.default
  throw misused(`${path} exports no agent.`, 'Export the agent of defineAgent or new LlmAgent as default.')
}

/** The file may begin with a byte order mark, and end with its head: instructions may be in another file. */
const headAndBody = /^\uFEFF?(?:---\r?\n(?:(?<head>.*?)\r?\n)?---(?:\r?\n|$))?(?<body>.*)$/s

/** Reads an agent from Markdown: YAML between two lines of `---`, then the instructions. */
async function described(path: string, name: string, project: string): Promise<Definition> {
  const text = await readFile(path, 'utf8')
  const { head = '', body = '' } = headAndBody.exec(text)?.groups ?? {}
  const facts = await headOf(path, head)
  const { file } = ((facts as { readonly instructions?: unknown }).instructions ?? {}) as { readonly file?: unknown }
  const instructions = file === undefined ? body.trim() : { file, text: body.trim() }
  const checked = agentSchema.safeParse({ ...facts, instructions })
  if (checked.success) return agentFromFile(path, name, checked.data, project)
  throw misused(`${path} describes no agent: ${problemsOf(checked.error).join('; ')}`)
}

async function headOf(path: string, head: string): Promise<object> {
  const { LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const read = parseDocument(head, { lineCounter: lines, prettyErrors: false })
  const [wrong] = read.errors
  // Behind the line that opens it.
  if (wrong) throw misused(`${path} is not YAML in line ${lines.linePos(wrong.pos[0]).line + 1}: ${wrong.message}`)
  const facts: unknown = read.toJS() ?? {}
  if (typeof facts === 'object' && facts !== null && !Array.isArray(facts)) return facts
  throw misused(
    `${path} describes no agent: between its lines of --- stand names and values, such as model: offline/extractive.`,
  )
}
