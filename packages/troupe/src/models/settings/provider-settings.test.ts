import { afterEach, expect, it } from 'vitest'
import { createEvents, image, seededRandom, systemClock } from '../../core/index.ts'
import { createTroupe } from '../../startup/create-troupe.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import { createModels } from '../create-models.ts'
import type { ModelCall, ModelSpec } from '../models-port.ts'
import type { CallSettings } from './call-settings.ts'
import { openProviderTestbed, type ProviderKind, providerKinds, shortPrompt } from './provider-testbed.test.fixture.ts'

const testbeds: { close(): void }[] = []
afterEach(() => {
  for (const testbed of testbeds.splice(0)) testbed.close()
})
async function open(kind: ProviderKind) {
  const testbed = await openProviderTestbed(kind)
  testbeds.push(testbed)
  return testbed
}

/** The body of the request that the settings make, and what was answered. */
async function requestOf(kind: ProviderKind, settings: CallSettings & Partial<ModelCall>) {
  const { ask, asked } = await open(kind)
  await ask(settings)
  expect(asked).toHaveLength(1)
  return { ...asked[0]?.body } as Readonly<Record<string, unknown>>
}

it("An option of the provider's own goes before the setting of the same meaning.", async () => {
  const providerOptions = { openai: { serviceTier: 'flex' } }
  expect(await requestOf('chat', { serviceTier: 'priority', providerOptions })).toMatchObject({ service_tier: 'flex' })
})

it('A registered model has settings of its own, and those of the call go before them.', async () => {
  const { asked, spec } = await open('compatible')
  const settings: CallSettings = { seed: 1, temperature: 0.1, providerOptions: { openaiCompatible: { top_k: 5 } } }
  const registry = {
    careful: { ...(spec as object), settings } as ModelSpec,
    quick: { model: 'careful', settings: { seed: 2 } },
  }
  const models = createModels({
    clock: systemClock,
    random: seededRandom(1),
    events: createEvents(() => {}),
    registry,
    defaults: { temperature: 0.9, topP: 0.5 },
  })
  await models.call(['careful'], { user: 'u', prompt: shortPrompt })
  await models.call(['quick'], { user: 'u', prompt: shortPrompt, temperature: 0 })
  expect(asked.map(({ body }) => body)).toMatchObject([
    { seed: 1, temperature: 0.1, top_p: 0.5, top_k: 5 },
    { seed: 2, temperature: 0, top_p: 0.5, top_k: 5 },
  ])
})

it('A call without settings has the request that it had before there were any.', async () => {
  const { model: _, messages: __, tools: ___, prompt_cache_key: ____, ...chat } = await requestOf('chat', {})
  expect(chat).toEqual({ tool_choice: undefined })
  const { model: _a, messages: _b, tools: _c, ...compatible } = await requestOf('compatible', {})
  expect(compatible).toEqual({})
})

it.each(Object.keys(providerKinds) as ProviderKind[])(
  'A replay of a run with a model behind %s, settings and an image sends nothing.',
  async (kind) => {
    const testbed = await open(kind)
    const settings = { reasoning: { effort: 'high' }, serviceTier: 'default', maxOutputTokens: 9_000 } as const
    // An answer that a guardrail checks is not streamed.
    const passes = { name: 'passes', check: () => ({ pass: true }) as const }
    const agent = new LlmAgent({ name: 'Clerk', model: testbed.spec, settings, guardrails: { output: [passes] } })
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [agent] })
    const { orchestra } = troupe.user('ada')
    const task = [{ type: 'text', text: 'Look.' }, image(Buffer.from('ABC'), { mediaType: 'image/png' })]
    const run = await orchestra.start({ agent: 'Clerk', task: task as never })
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'one' })
    expect(JSON.stringify(testbed.asked[0]?.body)).toContain('QUJD')
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    expect(testbed.asked).toHaveLength(1)
  },
)
