import { expect, it } from 'vitest'
import { abbreviationsIn, relatedForms, type Vocabulary } from './related-forms.ts'
import { termsOf } from './terms.ts'

function vocabularyOf(text: string): Vocabulary {
  const terms = termsOf(text)
  const different = [...new Set(terms)]
  return {
    passages: 10,
    frequency: (term) => terms.filter((one) => one === term).length,
    around: (term) => different.filter((one) => one !== term && (one.startsWith(term) || one.endsWith(term))),
    abbreviations: abbreviationsIn(text),
  }
}
const formsOf = (word: string, text: string) =>
  relatedForms(termsOf(word)[0] ?? '', vocabularyOf(text)).map(({ terms }) => terms.join(' '))

it('A word of a question is related to the compounds of the documents that hold it, and to the parts of its own.', () => {
  expect(formsOf('Frist', 'Die Kündigungsfrist beträgt drei Monate.')).toEqual(['kündigungsfrist'])
  expect(formsOf('Ordnung', 'Die Hausordnung gilt.')).toEqual(['hausordnung'])
  expect(formsOf('Restmülltonne', 'Der Restmüll, die Tonne.')).toEqual(['restmüll'])
})

it('A word that the documents know well is not replaced by its compounds.', () => {
  expect(formsOf('token', 'A token. The token. One more token. A tokenizer.')).toEqual([])
})

it('A word of a question is related to its other endings in the documents.', () => {
  expect(formsOf('Container', 'Containern')).toEqual(['containern'])
})

it.each([
  ['The automated external defibrillator (AED) hangs in the hall.', 'aed', 'automat external defibrillator'],
  ['ETA: estimated time of arrival', 'eta', 'estimat time arrival'],
  ['the residual-current device (RCD)', 'rcd', 'residual current device'],
])('A text explains an abbreviation: %s.', (text, short, long) => {
  const words = abbreviationsIn(text).get(short)
  expect(words).toEqual(termsOf(long))
  expect(relatedForms(short, vocabularyOf(text))).toContainEqual({ terms: words, weight: 0.9 })
})

it('A text in brackets that does not spell the words before it is not an abbreviation.', () => {
  expect(abbreviationsIn('Send the report to the office (USA) by mail. Status OK: done and over.').size).toBe(0)
})

it('A word of a question is related to its synonyms, of those that the documents hold.', () => {
  expect(formsOf('begin', 'We start at noon.')).toContain('start')
  expect(formsOf('begin', 'We end at noon.')).toEqual([])
})
