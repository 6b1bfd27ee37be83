import { expect, it } from 'vitest'
import { inputMessages, outputMessages } from './input-messages.ts'

const same = (text: string) => text
const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] })

it('The content of a model call stays valid JSON: the newest messages of a long prompt, with shortened texts.', () => {
  const long = Array.from({ length: 40 }, (_, i) => user(`${i} ${'x'.repeat(1_000)}`))
  const sent = JSON.parse(inputMessages(long, same))
  expect(sent.at(-1)).toEqual({ role: 'user', parts: [{ type: 'text', content: `39 ${'x'.repeat(1_000)}` }] })
  expect(sent.length).toBeGreaterThan(10)
  expect(sent.length).toBeLessThan(40)
  for (const prompt of [
    [user('"'.repeat(100_000))],
    [{ role: 'user', content: long.flatMap(({ content }) => content) }],
  ]) {
    const text = inputMessages(prompt, same)
    expect(text.length).toBeLessThanOrEqual(16_000)
    const [{ role, parts }] = JSON.parse(text)
    expect([role, parts[0].type]).toEqual(['user', 'text'])
  }
  expect(inputMessages([], same)).toBe('[]')
})

it('The content of a model call has no part of a secret at which a long text is cut.', () => {
  const secret = 'sk-1234567890'
  const text = inputMessages([user('x'.repeat(7_995) + secret)], (full) => full.replaceAll(secret, '[redacted]'))
  expect(text).toContain('xxx')
  expect(text).not.toContain('sk-')
})

it('The content of a model call has reasoning, redacted texts and files without their bytes.', () => {
  const parts = [
    { type: 'reasoning', text: 'I know it.' },
    { type: 'text', text: 'The key is sk-1.' },
    { type: 'file', mediaType: 'image/png', data: new Uint8Array(9) },
  ]
  expect(JSON.parse(outputMessages(parts, 'stop', (text) => text.replaceAll('sk-1', '[redacted]')))).toEqual([
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', content: 'I know it.' },
        { type: 'text', content: 'The key is [redacted].' },
        { type: 'file', mime_type: 'image/png' },
      ],
      finish_reason: 'stop',
    },
  ])
})
