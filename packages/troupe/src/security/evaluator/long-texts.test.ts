/**
 * Texts of callers, servers and documents that repeat one part 50,000 times: expressions of the sources read them in time
 * that grows with the length alone. An expression such as `\s*x` looks for its end again from each space.
 */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { structuredText } from '../../agents/model/content/structured-text.ts'
import { concealErrors, storeError } from '../../core/index.ts'
import { blocksOf } from '../../documents/ranking/blocks.ts'
import { termsOf } from '../../documents/ranking/terms/terms.ts'
import { markdownHeadings } from '../../documents/reading/markdown-headings.ts'
import { createTroupe, defineAgent, LlmAgent } from '../../index.ts'
import { fillString } from '../../models/extractive/schema/fill-string.ts'
import type { Material } from '../../models/extractive/text/material.ts'
import { sentencesOf } from '../../models/extractive/text/sentences.ts'
import { MockModel } from '../../testing/index.ts'
import { defineTopology } from '../../topology/index.ts'

const times = 50_000
const limitMs = 400
const parts = [' ', '\n', '\t', '\n ', 'a', 'a ', 'a, ', '1.', '- ', '> ', ...'*/.@-|`#"([{<:', '](', ' failed: ']
const echo = defineAgent({ name: 'Echo', run: async (task: string) => task })

const reads: Readonly<Record<string, (text: string) => unknown>> = {
  'a flow of a topology': (text) => {
    try {
      return defineTopology({ agents: [echo], flows: [`Echo -> E${text}x`] })
    } catch (error) {
      return error
    }
  },
  'the text of an error': (text) => storeError(new Error(`${text}x`)),
  'a text for the offline model': (text) => sentencesOf(`${text}x`),
  'a document': (text) => blocksOf({ text: `# A\n\n${text}x`, kind: 'text', headings: [] }),
  'a table': (text) => blocksOf({ text: `# A\n\na | b\n${text}x`, kind: 'text', headings: [] }),
  'headings of a document': (text) => markdownHeadings(`# .${text.slice(0, 900)}x\n`.repeat(30)),
  'the words of a link': (text) => termsOf(`[a](${text}x`),
  'the JSON in an answer of a model': (text) => structuredText(z.object({}), `\`\`\`json${text}x`),
  'the text of an error that a caller sees': (text) => concealErrors({ text: `[err_a]${text}x` }),
  'a source file': (text) => blocksOf({ text: `/* ${text}x */\nconst a = 1`, kind: 'source', headings: [] }),
}

/** Returns the processor time in ms. */
async function costOf(read: () => unknown): Promise<number> {
  const before = process.threadCpuUsage()
  await read()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

it.each(Object.keys(reads))('The time to read %s grows with its length alone.', async (name) => {
  for (const part of parts)
    expect(await costOf(() => reads[name]?.(part.repeat(times))), JSON.stringify(part)).toBeLessThan(limitMs)
})

it('The time to read notes from memory grows with their length alone.', async () => {
  const model = new MockModel({ responses: Array.from({ length: 6 }, () => 'noted') })
  const clerk = new LlmAgent({ name: 'Clerk', model, memory: { shared: 'n.' } })
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  await ada.session(clerk, { threadId: 'first' }).chat('note')
  for (const part of [' ', '\t', '\n', '\n ', 'a ']) {
    await ada.context.push('n.long', `${part.repeat(times)}x`)
    const cost = await costOf(() => ada.session(clerk, { threadId: 'next' }).chat('note'))
    expect(cost, JSON.stringify(part)).toBeLessThan(1_000)
  }
})

it.each(['a', '.', 'a.', 'a@', 'a@a.'])(
  'The offline model looks for an e-mail address in linear time in a text that repeats %s.',
  async (part) => {
    // The model reads 10,000 characters of each text.
    const sources = Array.from({ length: 20 }, () => ({ text: part.repeat(10_000), facts: {} }))
    const material = { task: { question: '', sources }, quotes: [], findFitting: async () => undefined }
    const field = { path: 'contact', name: 'contact', description: '', depth: 0 }
    const cost = await costOf(() =>
      fillString({ type: 'string', format: 'email' }, field, material as never as Material),
    )
    expect(cost).toBeLessThan(limitMs)
  },
)
