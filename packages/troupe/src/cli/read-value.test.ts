import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readValue } from './read-value.ts'

test('A value in a file that begins with a byte order mark is read as JSON, or as text without the mark.', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-value-'))
  const valueIn = (text: string) => {
    writeFileSync(join(folder, 'value'), text)
    return readValue(`@${join(folder, 'value')}`)
  }
  try {
    expect(valueIn('\uFEFF{"paid":true}\r\n')).toEqual({ paid: true })
    expect(valueIn('\uFEFFpaid\r\n')).toBe('paid')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
