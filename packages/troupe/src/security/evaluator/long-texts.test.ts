/**
 * Texts of callers, servers and documents that repeat one part 50,000 times: expressions of the sources read them in time
 * that grows with the length alone. An expression such as `\s*x` looks for its end again from each space.
 */
import { expect, it } from 'vitest'
import { storeError } from '../../core/index.ts'
import { blocksOf } from '../../documents/ranking/blocks.ts'
import { defineAgent } from '../../index.ts'
import { sentencesOf } from '../../models/extractive/text/sentences.ts'
import { defineTopology } from '../../topology/index.ts'

const times = 50_000
const limitMs = 400
const parts = [' ', '\n', '\t', '\n ', 'a', 'a ', 'a, ', '1.', '- ', '> ', ...'*/.@-|`#"([{<:']
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
  'a source file': (text) => blocksOf({ text: `/* ${text}x */\nconst a = 1`, kind: 'source', headings: [] }),
}

it.each(Object.keys(reads))('The time to read %s grows with its length alone.', (name) => {
  for (const part of parts) {
    const before = process.threadCpuUsage()
    reads[name]?.(part.repeat(times))
    const { user, system } = process.threadCpuUsage(before)
    expect((user + system) / 1_000, JSON.stringify(part)).toBeLessThan(limitMs)
  }
})
