import { readdir, readFile } from 'node:fs/promises'
import { defineAgent, defineConfig, LlmAgent, patterns } from 'troupe'

/** Reads what the folder notes/ holds, for those who answer from it. */
const reader = defineAgent<string, string>({
  name: 'Reader',
  run: async (question, ctx) => {
    const texts = await ctx.effect('read notes', { class: 'read' }, async () => {
      const folder = new URL('notes/', import.meta.url)
      return Promise.all((await readdir(folder)).map((name) => readFile(new URL(name, folder), 'utf8')))
    })
    return `${texts.join('\n\n')}\n\nQuestion: ${question}`
  },
})

/** With a model of yours: `model: 'anthropic/claude-sonnet-4-5'`, and ANTHROPIC_API_KEY in .env. */
const writer = new LlmAgent({
  name: 'Writer',
  instructions: 'You answer the question from the notes, and from nothing else.',
  model: 'offline/extractive',
})

export default defineConfig({
  storage: 'sqlite:./data/troupe.db',
  agents: [reader, writer],
  teams: { notes: patterns.pipeline({ stages: [{ agents: [reader] }, { agents: [writer] }] }) },
})
