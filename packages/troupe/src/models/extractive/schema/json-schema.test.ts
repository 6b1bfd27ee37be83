import { expect, it } from 'vitest'
import { optionIn } from './json-schema.ts'

it('The option of an enumeration is found in a text as separate words, in whichever case.', () => {
  const options = ['red', 'dark_green', 'c++', '', null, 7]
  expect(optionIn('A bored bird in Dark Green.', options)).toBe('dark_green')
  expect(optionIn('It is written in C++.', options)).toBe('c++')
  expect(optionIn('It has 17 or 7 feathers', options)).toBe(7)
  expect(optionIn('𝔞red, null, .', options)).toBe(undefined)
  expect(optionIn('bored: red', options)).toBe('red')
})

it('The options of an enumeration hold the main thread for less than 50 ms, however many there are.', () => {
  const text = '! '.repeat(50_000)
  const short = Array.from({ length: 100_000 }, (_, i) => `option ${i}`)
  const long = Array.from({ length: 1_000 }, (_, i) => `${'! '.repeat(90)}${i}`)
  const times = [short, long].map((options) => {
    const before = process.threadCpuUsage()
    expect(optionIn(text, options)).toBe(undefined)
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  })
  expect(times.filter((ms) => ms >= 50)).toEqual([])
})
