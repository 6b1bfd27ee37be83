import { describe, expect, it } from 'vitest'
import { defineAgent, finish, invoke, LlmAgent, type Run } from '../../../index.ts'
import { Tracer } from '../../../operations.ts'
import { bad, echo, pipe, solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { createVirtualClock, MockModel } from '../../../testing/index.ts'

const { opened, ada } = troupesOfTests()

describe('why', () => {
  const explanationsOf = async (
    run: Run,
    orchestra: { why(id: string): Promise<{ sentences: readonly { about: string; text: string }[] }> },
  ) => {
    const { sentences } = await orchestra.why(run.id)
    return (about: string) =>
      sentences
        .filter((each) => each.about === about)
        .map(({ text }) => text)
        .join('\n')
  }

  it('orchestra.why names the question that a run waits for, and the sender who paused it.', async () => {
    const { orchestra } = await ada()
    const asks = defineAgent({ name: 'A', run: async (_, ctx) => ctx.ask({ text: 'Which house?' }) })
    const run = await orchestra.start({ task: 't', topology: solo(asks) })
    await run.result()
    expect((await explanationsOf(run, orchestra))('waits')).toMatch(
      /It has waited for a person for \d+ m?s: A asks \(question\) "Which house\?"/,
    )
    await run.pause()
    expect((await explanationsOf(run, orchestra))('waits')).toContain('It was paused by host')
  })

  it('orchestra.why names the breakpoint at which a run waits, before its first step too.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({
      task: 't',
      topology: solo(echo('A')),
      config: { debug: { breakOn: { agent: 'A' } } },
    })
    await run.result()
    expect((await explanationsOf(run, orchestra))('waits')).toContain('It has waited at a breakpoint (agent)')
  })

  it('orchestra.why explains why a run failed, after how many attempts, and which guard it tripped.', async () => {
    const { orchestra } = await ada()
    const run = await orchestra.start({
      task: 't',
      topology: solo(bad('A')),
      config: { onError: { '*': { retry: { attempts: 2, backoff: '1ms' } } } },
    })
    await run.result()
    const why = await explanationsOf(run, orchestra)
    expect(why('failed')).toMatch(/It failed because A \(1#2, tried 2 times\) failed: no luck \[agent.failed\]/)
    expect(why('slow')).toContain('Retries were delayed by')
    expect(why('path')).toContain('A was retried, attempt 2.')
    const guarded = await orchestra.start({
      task: 't',
      topology: solo(bad('A')),
      config: { budget: { steps: 2 }, onError: { '*': { retry: { attempts: 5, backoff: '1ms' } } } },
    })
    await guarded.result()
    expect((await explanationsOf(guarded, orchestra))('guard')).toMatch(
      /The guard steps stopped it at 2 of 2\. Raise config\.budget\.steps/,
    )
    const stopped = await orchestra.start({
      task: 't',
      topology: solo(defineAgent({ name: 'A', run: async (_, ctx) => ctx.ask({ text: '?' }) })),
    })
    await stopped.result()
    await stopped.cancel()
    expect((await explanationsOf(stopped, orchestra))('failed')).toBe('It was cancelled by host.')
  })

  it('orchestra.why shows where cost and time were spent, and which path the run took.', async () => {
    const clock = createVirtualClock()
    const { orchestra } = (await opened({ clock, prices: { 'mock/mock': { input: 1, output: 2 } } })).user('ada')
    const usage = { inputTokens: 1_000, outputTokens: 500 }
    const writes = new LlmAgent({ name: 'Writer', model: new MockModel({ responses: [{ text: 'text', usage }] }) })
    const slow = defineAgent({
      name: 'Slow',
      run: async () => {
        await clock.advance('3s')
        return 'slow'
      },
    })
    const run = await orchestra.start({ task: 't', topology: pipe(writes, slow) })
    await run.result()
    const why = await explanationsOf(run, orchestra)
    expect(why('cost')).toMatch(
      /It used 1500 tokens for \$0\.002\.\nWriter took 1500 tokens, \$0\.002 \(100 %\) in 1 step\./,
    )
    expect(why('slow')).toMatch(/Slow \(1#2\) worked for 3 s \(100 %\)/)
    expect(why('path')).toMatch(
      /Start invoked Writer as branch 1.*\nThe branch moved from Writer to Slow along Writer -> Slow/,
    )
  })

  it('orchestra.why names the edits that were made at breakpoints.', async () => {
    const { orchestra } = await ada()
    const debug = { breakOn: ['error', { agent: 'A' }] } as const
    const run = await orchestra.start({ task: 't', topology: pipe(echo('A'), bad('B'), echo('C')), config: { debug } })
    await run.result()
    await run.edit({ inputs: { 1: 'edited' } })
    await run.resume()
    await run.result()
    await run.edit({ results: { '1#2': 'corrected' } })
    await run.resume()
    await run.result()
    expect((await explanationsOf(run, orchestra))('path').split('\n')).toEqual([
      'Start invoked A as branch 1.',
      'An edit replaced the input of A (branch 1).',
      'The branch moved from A to B along A -> B.',
      'An edit replaced the failure of B (1#2) by a result.',
      'The branch moved from B to C along B -> C.',
    ])
  })
})

describe('a tracer', () => {
  it('A tracer shows the path, the interactions, the errors and the states of a run, live or from history.', async () => {
    const { orchestra } = await ada()
    const lead = defineAgent({
      name: 'Lead',
      run: async (input: { results?: unknown }) =>
        input.results
          ? finish('done')
          : invoke([
              { agent: 'Good', input: 'a' },
              { agent: 'Bad', input: 'b' },
            ]),
    })
    const run = await orchestra.start({
      task: 't',
      topology: {
        agents: [lead, echo('Good'), bad('Bad')],
        flows: ['Start -> Lead', 'Lead <-> Good', 'Lead <-> Bad', 'Lead -> End'],
        nodes: { Lead: { onFailure: 'collect' } },
      },
    })
    const live = new Tracer({ states: true })
    await live.follow(run)
    const past = await new Tracer({ states: true }).follow(run)
    expect(past.getTrace()).toEqual(live.getTrace())
    const { executionPath, interactions, errors, states } = past.getTrace()
    expect(executionPath.map(({ agent, status }) => `${agent} ${status}`)).toEqual([
      'Lead completed',
      'Good completed',
      'Bad failed',
      'Lead completed',
    ])
    expect(interactions.map(({ from, to, kind }) => `${from} ${kind} ${to}`).sort()).toEqual([
      'Bad result Lead',
      'Good result Lead',
      'Lead invoke Bad',
      'Lead invoke Good',
      'Start invoke Lead',
    ])
    expect(errors[0]).toMatchObject({ agent: 'Bad', error: { message: 'no luck' } })
    expect(states.at(-1)?.branches['1']).toMatchObject({ agent: 'Lead' })
    expect(past.toMermaid()).toMatch(/^sequenceDiagram\n {2}participant p1 as Start\n/)
    expect(past.toText()).toMatch(/Lead -> Bad invoke b\n/)
    const silent = await new Tracer({ messages: false }).follow(run)
    expect(silent.getTrace().interactions.some((one) => 'value' in one)).toBe(false)
    expect(silent.getTrace().states).toEqual([])
    expect(() => new Tracer({ state: true } as never)).toThrow(expect.objectContaining({ code: 'option.unknown' }))
  })
})
