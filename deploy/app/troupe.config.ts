/** The team of the image: puts a question to the notes that it is given. Yours takes its place. */
import { readFileSync } from 'node:fs'
import { defineAgent, defineConfig, finish, LlmAgent } from 'troupe'

/** A secret as Compose and Kubernetes mount it; undefined where there is none, for variables say the same elsewhere. */
function mounted(name: string): string | undefined {
  try {
    return readFileSync(`/run/secrets/${name}`, 'utf8').trim()
  } catch {
    return undefined
  }
}

const { DB_HOST = 'localhost', DB_PORT = '5432', DB_NAME = 'troupe' } = process.env
const serverKey = mounted('server_key')
const encryptionKey = mounted('encryption_key')
const password = mounted('database_password')
const ownerPassword = mounted('owner_password')
const migrateUrl =
  mounted('migrate_url') ??
  (ownerPassword
    ? `postgres://troupe_owner:${encodeURIComponent(ownerPassword)}@${DB_HOST}:${DB_PORT}/${DB_NAME}`
    : undefined)

/** With a model of yours: `model: 'anthropic/claude-sonnet-4-5'`, and ANTHROPIC_API_KEY. */
const writer = new LlmAgent({
  name: 'Writer',
  instructions: 'You answer from what you are given, and from nothing else.',
  model: 'offline/extractive',
})

const editor = defineAgent<string, string>({
  name: 'Editor',
  run: async (draft, ctx) => {
    const choice = await ctx.ask({ kind: 'choice', text: `Publish this? ${draft}`, options: ['yes', 'no'] })
    return finish(choice === 'yes' ? `published: ${draft}` : 'withdrawn')
  },
})

export default defineConfig({
  agents: [writer, editor],
  teams: {
    answer: { agents: [writer], flows: ['Writer -> End'] },
    publish: { agents: [writer, editor], flows: ['Writer -> Editor', 'Editor -> End'] },
  },
  ...(serverKey ? { server: { key: serverKey } } : {}),
  ...(encryptionKey ? { encryption: { keys: [{ id: 'main', key: encryptionKey }] } } : {}),
  ...(password ? { storage: { password, ...(migrateUrl ? { migrateUrl } : {}) } } : {}),
})
