import { describe, expect, it } from 'vitest'
import { file, image } from '../../core/index.ts'
import { contentText } from './content-text.ts'

const shot = image(Buffer.alloc(3_000, 7), { mediaType: 'image/png', filename: 'shot.png' })

describe('contentText', () => {
  it.each<[string, unknown, string]>([
    ['a text', 'Hello.', 'Hello.'],
    ['null', null, 'null'],
    ['an empty list', [], '[]'],
    ['a file', shot, '[shot.png, image/png, 3 KiB, see --json]'],
    ['parts', [{ type: 'text', text: 'The screen.' }, shot], 'The screen.\n[shot.png, image/png, 3 KiB, see --json]'],
    [
      'a file by URL',
      file('https://example.com/a.pdf', { mediaType: 'application/pdf' }),
      '[application/pdf, https://example.com/a.pdf]',
    ],
    ['a value with a file', { a: [shot] }, '{\n  "a": [\n    "[shot.png, image/png, 3 KiB, see --json]"\n  ]\n}'],
  ])('contentText shows %s without base64.', (_, value, text) => {
    expect(contentText(value)).toBe(text)
  })
})
