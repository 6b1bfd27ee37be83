/**
 * JSON text that is written in parts, so that a value of many megabytes leaves turns to other work. The text is that of
 * `JSON.stringify`.
 */

import { longPart, type WorkInParts } from '../time/time-slice.ts'
import { isLongValue, lengthWithin, longLength } from '../values/long-values.ts'

/** Returns the text of a value that JSON can represent. A short value is one part. */
export function* jsonInParts(value: unknown): WorkInParts<string> {
  if (!isLongValue(value)) return JSON.stringify(value)
  yield longPart
  const written: Written = { text: '' }
  yield* write(value, written)
  return written.text
}

interface Written {
  text: string
}

function* write(value: unknown, written: Written): WorkInParts<void> {
  if (typeof value === 'string') yield* writeText(value, written)
  else if (typeof value !== 'object' || value === null || 'toJSON' in value) written.text += JSON.stringify(value)
  else if (Array.isArray(value)) yield* writeList(value, written)
  else yield* writeObject(value as Readonly<Record<string, unknown>>, written)
}

function* writeText(text: string, written: Written): WorkInParts<void> {
  written.text += '"'
  for (let from = 0; from < text.length; ) {
    let to = from + longLength
    // A part does not end between the halves of a character.
    if (isHighSurrogate(text.charCodeAt(to - 1))) to++
    written.text += JSON.stringify(text.slice(from, to)).slice(1, -1)
    from = to
    yield
  }
  written.text += '"'
}

const isHighSurrogate = (code: number) => code >= 0xd800 && code <= 0xdbff

function* writeList(list: readonly unknown[], written: Written): WorkInParts<void> {
  let group: unknown[] = []
  let left = longLength
  let separator = ''
  const close = () => {
    if (group.length === 0) return
    written.text += separator + JSON.stringify(group).slice(1, -1)
    separator = ','
    group = []
    left = longLength
  }
  written.text += '['
  for (const item of list) {
    const length = lengthWithin(item, longLength)
    if (length === undefined || length > left) {
      close()
      yield
    }
    if (length === undefined) {
      written.text += separator
      separator = ','
      yield* write(item, written)
    } else {
      group.push(item)
      left -= length + 1
    }
  }
  close()
  written.text += ']'
}

function* writeObject(object: Readonly<Record<string, unknown>>, written: Written): WorkInParts<void> {
  // Without a prototype, `__proto__` is a key like any other.
  const begin = () => Object.create(null) as Record<string, unknown>
  let group = begin()
  let left = longLength
  let separator = ''
  const close = () => {
    const text = JSON.stringify(group).slice(1, -1)
    if (text === '') return
    written.text += separator + text
    separator = ','
    group = begin()
    left = longLength
  }
  written.text += '{'
  for (const key of Object.keys(object)) {
    const item = object[key]
    const length = lengthWithin(item, longLength)
    if (length === undefined || length + key.length > left) {
      close()
      yield
    }
    if (length === undefined) {
      written.text += `${separator}${JSON.stringify(key)}:`
      separator = ','
      yield* write(item, written)
    } else {
      group[key] = item
      left -= length + key.length + 4
    }
  }
  close()
  written.text += '}'
}
