import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readValue } from './read-value.ts'

test('A value in a file that begins with a byte order mark is read as JSON, or as text without the mark.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-value-'))
  const { signal } = new AbortController()
  const valueIn = (text: string) => {
    writeFileSync(join(folder, 'value'), text)
    return readValue(`@${join(folder, 'value')}`, signal)
  }
  try {
    expect(await valueIn('\uFEFF{"paid":true}\r\n')).toEqual({ paid: true })
    expect(await valueIn('\uFEFFpaid\r\n')).toBe('paid')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
