/** Reads the body of a request: JSON in UTF-8, no deeper than storage allows, without keys that change a prototype. */
import { failure } from '../../core/index.ts'

/** Values may have 500 levels; a request adds a few around them. */
const deepest = 512

type Parse = (body: string) => unknown

/** @throws ValidationError `request.invalid` */
export function readBody(bytes: Buffer, parse: Parse): unknown {
  const text = textOf(bytes)
  if (text === '') return undefined
  if (depthOf(text) > deepest) throw failure('request.invalid', { problem: `its body has more than ${deepest} levels` })
  try {
    return parse(text)
  } catch {
    throw failure('request.invalid', { problem: problemOf(text) })
  }
}

/** The rejected keys could change a prototype in some program that reads the value. */
function problemOf(text: string): string {
  try {
    JSON.parse(text)
    return 'its body names __proto__ or constructor.prototype, which is not accepted'
  } catch (error) {
    const at = /position \d+( \(line \d+ column \d+\))?/.exec((error as Error).message)
    return `its body is not JSON${at ? `, from ${at[0]} on` : ''}`
  }
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw failure('request.invalid', { problem: 'its body is not UTF-8' })
  }
}

/** Depth is counted before the text is parsed, since recursive code fails on a very deep value. */
function depthOf(text: string): number {
  let depth = 0
  let depthReached = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (quoted) {
      if (unit === 0x5c) i++
      else if (unit === 0x22) quoted = false
    } else if (unit === 0x22) quoted = true
    else if (unit === 0x5b || unit === 0x7b) depthReached = Math.max(depthReached, ++depth)
    else if (unit === 0x5d || unit === 0x7d) depth--
  }
  return depthReached
}
