/** An agent from a file of settings and limits from the environment, both checked before anything starts. */
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTroupe, defineMessage, Worker } from 'troupe'
import { z } from 'zod'

const Ask = defineMessage('ask', z.string(), { reply: z.string() })
const Settings = z.strictObject({ name: z.string(), greeting: z.string() })
const Limits = z.object({
  MAX_CONNECTIONS: z.coerce.number().int().min(1).max(1_000).default(100),
  MESSAGE_TIMEOUT: z.coerce.number().positive().default(30),
})

class ConfigurableAgent extends Worker {
  private constructor({ name, greeting }: z.infer<typeof Settings>, concurrency: number) {
    super(name, { concurrency })
    this.on(Ask, ({ payload }) => `${greeting}, ${payload}`)
  }

  static async load(path: string, concurrency: number) {
    return new ConfigurableAgent(Settings.parse(JSON.parse(await readFile(path, 'utf8'))), concurrency)
  }
}

export async function main() {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'troupe-guide-'))
  const [good, bad] = [join(folder.path, 'good.json'), join(folder.path, 'bad.json')]
  await writeFile(good, JSON.stringify({ name: 'Greeter', greeting: 'Hello' }))
  await writeFile(bad, JSON.stringify({ name: 'Greeter', greting: 'Hello' }))
  // As many messages at once as connections, and so many seconds for an answer.
  const { MAX_CONNECTIONS, MESSAGE_TIMEOUT } = Limits.parse({ MESSAGE_TIMEOUT: '5' })

  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const agent = await ConfigurableAgent.load(good, MAX_CONNECTIONS)
  await ada.start(agent)
  const timeout = `${MESSAGE_TIMEOUT}s` as const
  return {
    answer: await ada.agent('Guest').messages.request(Ask, 'Ada', { to: 'Greeter', timeout }),
    concurrency: agent.options.concurrency,
    rejected: await ConfigurableAgent.load(bad, 1).catch(({ name }) => name),
  }
}

if (import.meta.main) console.log(await main())
