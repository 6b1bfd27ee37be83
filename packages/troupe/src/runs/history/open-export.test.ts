import { describe, expect, it } from 'vitest'
import { defineAgent } from '../../index.ts'
import { openExport, Tracer } from '../../operations.ts'
import { echo, pipe, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'

const { ada, closeAll } = troupesOfTests()

describe('an exported run', () => {
  const secret = 'sk-abcdefghijklmnopqrstuvwx'
  const exported = async (options = {}) => {
    const { orchestra } = await ada()
    const agent = defineAgent({
      name: 'A',
      run: async (input: string) => ({ text: `${input} ok`, password: 'hunter2' }),
    })
    const run = await orchestra.start({ task: `use ${secret}`, topology: pipe(agent, echo('B')), tags: ['x'] })
    await run.result()
    return { orchestra, run, file: await orchestra.export(run.id, options) }
  }

  it('An exported run opens without its database, and is replayed, explained and compared.', async () => {
    const { orchestra, run, file } = await exported()
    await closeAll()
    const past = openExport(JSON.stringify(file))
    expect(past).toMatchObject({ id: run.id, status: 'completed', tags: ['x'], build: expect.any(String) })
    expect(past.verifyReplay()).toMatchObject({ identical: true })
    expect(past.result).toMatchObject({ runId: run.id, status: 'completed', totalSteps: 2 })
    expect(past.why().sentences.map(({ about }) => about)).toContain('path')
    expect(past.at(1)).toMatchObject({ seq: 1, event: { type: 'run.started' } })
    expect(past.compare(openExport(file))).toEqual({ identical: true })
    // As a shell of Windows writes it into a file.
    expect(openExport(`\uFEFF${JSON.stringify(file, undefined, 2).replaceAll('\n', '\r\n')}`).id).toBe(run.id)
    const abort = new AbortController()
    const seen: number[] = []
    for await (const { seq } of past.events({ from: 1, signal: abort.signal })) {
      seen.push(seq)
      abort.abort()
    }
    expect(seen).toEqual([2])
    expect((await new Tracer().follow(past)).getTrace().executionPath.map(({ agent }) => agent)).toEqual(['A', 'B'])
    expect(orchestra).toBeDefined()
  })

  it('An exported run contains no credentials, or no content at all, and still replays.', async () => {
    const { file } = await exported()
    const text = JSON.stringify(file)
    expect(text).not.toContain(secret)
    expect(text).not.toContain('hunter2')
    expect(text).toContain('use [redacted] ok')
    const bare = (await exported({ redact: 'content' })).file
    expect(JSON.stringify(bare)).not.toMatch(/use|hunter2| ok/)
    expect(openExport(bare).verifyReplay()).toMatchObject({ identical: true })
    expect(JSON.stringify((await exported({ redact: 'nothing' })).file)).toContain(secret)
    await expect(exported({ redact: 'all' })).rejects.toMatchObject({ code: 'validation.failed' })
    await expect(exported({ redacts: 'all' })).rejects.toMatchObject({ code: 'option.unknown' })
  })

  it('openExport rejects an export that was changed anywhere or is signed with another key.', async () => {
    const { file } = await exported()
    const changed = JSON.parse(JSON.stringify(file).replace('"x"', '"y"'))
    for (const wrong of [
      changed,
      { ...file, journal: file.journal.slice(1) },
      { ...file, status: 'failed' },
      '{',
      {},
      null,
    ])
      expect(() => openExport(wrong as never)).toThrow(expect.objectContaining({ code: 'export.tampered' }))
    expect(() => openExport({ ...file, version: 2 } as never)).toThrow(
      expect.objectContaining({ code: 'export.newer' }),
    )
    const signed = (await exported({ key: 'one' })).file
    expect(openExport(signed, { key: 'one' }).verifyReplay().identical).toBe(true)
    for (const key of ['other', undefined])
      expect(() => openExport(signed, key === undefined ? {} : { key })).toThrow(
        expect.objectContaining({ code: 'export.tampered' }),
      )
  })

  it('An export without content is rejected if a condition depends on redacted content.', async () => {
    const { orchestra } = await ada()
    const flows = ['Start -> A', 'A -> B', 'A -> End']
    const run = await orchestra.start({
      task: 't',
      topology: {
        nodes: [
          { name: 'Start', kind: 'start' },
          { name: 'A', kind: 'agent', agent: defineAgent({ name: 'A', run: async () => ({ size: 'large' }) }) },
          { name: 'B', kind: 'agent', agent: echo('B') },
          { name: 'End', kind: 'end' },
        ],
        edges: [
          { from: 'Start', to: 'A', type: 'invoke' },
          { from: 'A', to: 'B', type: 'invoke', when: { path: 'size', notEquals: '[text of 5]' } },
          { from: 'B', to: 'End', type: 'invoke' },
        ],
      } as never,
    })
    await run.result()
    await expect(orchestra.export(run.id, { redact: 'content' })).rejects.toMatchObject({ code: 'export.unredactable' })
    expect(flows).toHaveLength(3)
  })
})
