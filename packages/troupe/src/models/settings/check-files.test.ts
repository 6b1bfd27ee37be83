import { expect, it, onTestFinished } from 'vitest'
import type { ModelCall } from '../models-port.ts'
import { checkFiles } from './check-files.ts'
import { openProviderTestbed, type ProviderKind, providerKinds, shortPrompt } from './provider-testbed.test.fixture.ts'

const base64 = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64')
const filePart = (mediaType: string, bytes = 30) => ({
  type: 'file' as const,
  mediaType,
  data: { type: 'data' as const, data: base64(bytes) },
})
const promptWith = (mediaType: string, bytes?: number): ModelCall['prompt'] => [
  ...shortPrompt,
  { role: 'user', content: [filePart(mediaType, bytes)] },
]
const call = { toolCallId: 'call_1', toolName: 'look' }
const returned = (mediaType: string): ModelCall['prompt'] => [
  ...shortPrompt,
  { role: 'assistant', content: [{ type: 'tool-call', ...call, input: {} }] },
  {
    role: 'tool',
    content: [{ type: 'tool-result', ...call, output: { type: 'content', value: [filePart(mediaType)] } }],
  },
]
const all = Object.keys(providerKinds) as ProviderKind[]

async function ask(kind: ProviderKind, prompt: ModelCall['prompt']) {
  const { ask: send, asked, close } = await openProviderTestbed(kind)
  onTestFinished(close)
  const error = await send({ prompt }).then(
    () => undefined,
    (thrown: { readonly code: string; readonly message: string }) => thrown,
  )
  return { error, calls: asked.length }
}

it.each(all)('A file of a type that %s cannot take is an error before the call.', async (kind) => {
  for (const prompt of [promptWith('application/zip'), returned('application/zip')]) {
    const { error, calls } = await ask(kind, prompt)
    expect(error).toMatchObject({ code: 'model.content', message: expect.stringContaining('application/zip') })
    expect(calls).toBe(0)
  }
})

it.each([
  ['image/*', undefined],
  ['image', undefined],
  ['IMAGE/PNG; charset=binary', undefined],
  ['audio/*', 'model.content'],
  ['imagery/png', 'model.content'],
])('A media type is compared without its parameters, and %s by what it begins with.', (mediaType, code) => {
  const check = () => checkFiles('m', 'anthropic', { prompt: promptWith(mediaType) })
  if (code === undefined) expect(check).not.toThrow()
  else expect(check).toThrow(expect.objectContaining({ code }))
})

it('A text is sent to anthropic as a file of a person, and is an error as the result of a tool.', async () => {
  expect((await ask('anthropic', promptWith('text/plain'))).calls).toBe(1)
  const { error, calls } = await ask('anthropic', returned('text/plain'))
  expect(error).toMatchObject({ code: 'model.content', message: expect.stringContaining('in the result of a tool') })
  expect(calls).toBe(0)
})

it.each([
  ['anthropic', 5_000_000],
  ['bedrock', 3_750_000],
] as const)('%s is not asked with an image above %i bytes.', async (kind, limit) => {
  expect((await ask(kind, promptWith('image/png', limit))).calls).toBe(1)
  const { error, calls } = await ask(kind, promptWith('image/png', limit + 3))
  expect(error?.message).toContain(`its provider takes ${limit} at most`)
  expect(calls).toBe(0)
})
