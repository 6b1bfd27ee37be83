import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { defineTool, LlmAgent } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import type { MemoryOptions } from '../definitions/memory-options.ts'
import { readResultTool } from './read-result-tool.ts'

const { ada, closeAll } = troupesOfTests()

/** 40,000 characters, of which each hundred is a line with its number. */
const log = Array.from({ length: 400 }, (_, i) => `line ${i} ${'.'.repeat(91)}`.slice(0, 99)).join('\n')
const readLog = defineTool({
  name: 'readLog',
  description: 'The log of the day.',
  inputSchema: z.object({ form: z.enum(['text', 'json']).optional() }),
  effect: 'read',
  execute: async ({ form }) => (form === 'json' ? { lines: log.split('\n') } : log),
})
const callTool = (name: string, input: unknown): MockItem => ({ toolCalls: [{ name, args: input }] })

function clerkWith(
  memory: MemoryOptions,
  responses: readonly MockItem[],
  more: { readonly deny?: readonly string[] } = {},
) {
  const model = new MockModel({ responses: [...responses] })
  return { model, agent: new LlmAgent({ name: 'Clerk', model, memory, tools: { readLog }, ...more }) }
}
const promptOf = (model: MockModel, call: number): string => JSON.stringify(model.calls[call]?.prompt)
const toolsOf = (model: MockModel, call: number) => model.calls[call]?.tools?.map(({ name }) => name)

describe('memory.maxResultTokens', () => {
  it('A long tool result is cut in the prompt, and `read_result` returns the following parts.', async () => {
    const { model, agent } = clerkWith({ maxResultTokens: 500 }, [
      callTool('readLog', {}),
      ({ prompt }) => {
        const { call, from } = JSON.parse(
          /\{ \\"call.*?\}/.exec(JSON.stringify(prompt))?.[0].replaceAll('\\"', '"') ?? '',
        )
        return callTool('read_result', { call, from }) as never
      },
      'Done.',
    ])
    const user = await ada()
    const { toolCalls } = await user.session(agent, { threadId: 'log' }).generate('Read the log.')
    expect(promptOf(model, 1).length).toBeLessThan(4_000)
    expect(promptOf(model, 1)).toContain('line 0 ')
    expect(promptOf(model, 1)).not.toContain('line 30 ')
    expect(promptOf(model, 1)).toContain('These are the first 1800 of 39989 characters.')
    expect(promptOf(model, 2)).toContain('line 30 ')
    expect(promptOf(model, 2)).toContain('36389 more characters from 3600.')
    expect(toolCalls?.map(({ result }) => String(result).length)).toEqual([log.length, expect.any(Number)])
  })

  it('The tool `read_result` finds a text in a result, in a later process and turn of the conversation too.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-results-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const storage = `sqlite:${join(folder, 't.db')}`
    const first = clerkWith({ maxResultTokens: 500 }, [callTool('readLog', { form: 'json' }), 'Read.'])
    await (await ada({ storage })).session(first.agent, { threadId: 'log' }).generate('Read the log.')
    await closeAll()
    const call = /\\"call\\": \\"(.*?)\\"/.exec(promptOf(first.model, 1))?.[1]
    const second = clerkWith({ maxResultTokens: 500 }, [
      callTool('read_result', { call, find: 'LINE 399' }),
      callTool('read_result', { call, find: 'line 3' }),
      'Found.',
    ])
    await (await ada({ storage })).session(second.agent, { threadId: 'log' }).generate('Where is the last line?')
    expect(promptOf(second.model, 0)).not.toContain('line 399')
    expect(promptOf(second.model, 1)).toContain('(1 occurrence; each with the position of its first character.)')
    expect(promptOf(second.model, 1)).toContain('line 399 ')
    expect(promptOf(second.model, 2)).toContain('(111 occurrences, the first 5 here;')
  })

  it('The tool `read_result` splits no character between two parts.', async () => {
    const text = `a${'😀'.repeat(1_000)}`
    const named = { tools: new Map(), helpers: new Map() } as never
    const tool = readResultTool(named, new Set(), { completeResult: () => text } as never, 128)
    let read = ''
    while (read.length < text.length) {
      const part = String(await tool?.execute({ call: 'x', from: read.length }, {} as never))
      read += part.slice(0, part.lastIndexOf('\n\n('))
    }
    expect(read).toBe(text)
  })

  it('The tool `read_result` returns an error to the model for an unknown call.', async () => {
    const { model, agent } = clerkWith({ maxResultTokens: 500 }, [callTool('read_result', { call: 'x' }), 'Sorry.'])
    await (await ada()).session(agent, { threadId: 'log' }).generate('Go on.')
    expect(promptOf(model, 1)).toContain('no stored result of this thread has this id')
  })

  it('A compaction limits tool results to a quarter of its limit.', async () => {
    const { model, agent } = clerkWith({ compaction: { at: 4_000 } }, [callTool('readLog', {}), 'Read.'])
    await (await ada()).session(agent, { threadId: 'log' }).generate('Read the log.')
    expect(promptOf(model, 1)).toContain('These are the first 3800 of 39989 characters.')
  })

  it('An agent that is denied `read_result`, or has no limit, gets results as they are.', async () => {
    const denied = clerkWith({ maxResultTokens: 500 }, [callTool('readLog', {}), 'Read.'], { deny: ['read_result'] })
    const unlimited = clerkWith({}, [callTool('readLog', {}), 'Read.'])
    const user = await ada()
    for (const [i, { model, agent }] of [denied, unlimited].entries()) {
      await user.session(agent, { threadId: `log ${i}` }).generate('Read the log.')
      expect(promptOf(model, 1)).toContain('line 399 ')
      expect(toolsOf(model, 1)).toEqual(['readLog'])
    }
  })

  it('The option maxResultTokens below 128 tokens is rejected.', () => {
    expect(() => clerkWith({ maxResultTokens: 100 }, [])).toThrow('it is 100 tokens, less than 128')
  })
})
