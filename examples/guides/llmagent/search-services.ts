/** A service that an agent is given: the same agent searches a folder, the shared context, or whatever else can search. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import MiniSearch from 'minisearch'
import { type AgentHandle, createTroupe, defineTool, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

export interface SearchService {
  /** @returns texts, the most relevant first */
  search(query: string): Promise<readonly string[]>
}

const maxResults = 5

/** Full-text over the `.txt` and `.md` files of one folder, read once. */
export class FolderSearch implements SearchService {
  readonly #index: MiniSearch<{ id: string; text: string }>

  private constructor(documents: readonly { id: string; text: string }[]) {
    this.#index = new MiniSearch({ fields: ['text'], storeFields: ['text'] })
    this.#index.addAll(documents)
  }

  static async open(folder: string): Promise<FolderSearch> {
    const names = (await readdir(folder)).filter((name) => /\.(txt|md)$/.test(name))
    const read = names.map(async (id) => ({ id, text: await readFile(join(folder, id), 'utf8') }))
    return new FolderSearch(await Promise.all(read))
  }

  async search(query: string): Promise<readonly string[]> {
    return this.#index
      .search(query, { prefix: true, fuzzy: 0.1 })
      .slice(0, maxResults)
      .map(({ text }) => text as string)
  }
}

/** Full-text over what an agent may read of the shared context: who searches sees no more than it may. */
export class MeshSearch implements SearchService {
  readonly #agent: AgentHandle
  readonly #prefix: string

  constructor(agent: AgentHandle, prefix: string) {
    this.#agent = agent
    this.#prefix = prefix
  }

  async search(query: string): Promise<readonly string[]> {
    const index = new MiniSearch<{ id: string; text: string }>({ fields: ['text'], storeFields: ['text'] })
    for await (const { key, value } of await this.#agent.context.list({ prefix: this.#prefix }))
      index.add({ id: key, text: typeof value === 'string' ? value : JSON.stringify(value) })
    return index
      .search(query, { prefix: true })
      .slice(0, maxResults)
      .map(({ text }) => text as string)
  }
}

export const searchAgent = (name: string, service: SearchService, model: MockModel) =>
  new LlmAgent({
    name,
    model,
    tools: [
      defineTool({
        name: 'search',
        description: 'Finds texts about a subject.',
        inputSchema: z.object({ query: z.string() }),
        effect: 'read',
        execute: ({ query }) => service.search(query),
      }),
    ],
  })

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  const folder = await mkdtemp(join(tmpdir(), 'guide-search-'))
  try {
    await writeFile(join(folder, 'bees.md'), 'Bees dance to show the way.')
    await writeFile(join(folder, 'ants.md'), 'Ants leave a trail.')
    await ada.agent('Librarian').context.push('notes.bees', 'Bees see polarised light.')
    await ada.agent('Librarian').context.push('notes.secret', 'Bees of the queen.', { audience: 'owner' })
    const found = async (name: string, service: SearchService) => {
      const model = new MockModel({
        responses: [{ toolCalls: [{ name: 'search', args: { query: 'bees' } }] }, 'Done.'],
      })
      const { toolCalls } = await ada.session(searchAgent(name, service, model)).generate('What do bees do?')
      return toolCalls[0]?.result
    }
    return {
      folder: await found('FolderAgent', await FolderSearch.open(folder)),
      mesh: await found('MeshAgent', new MeshSearch(ada.agent('Reader'), 'notes.')),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

if (import.meta.main) console.log(await main())
