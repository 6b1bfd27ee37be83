/**
 * What the index compares: words in lower case, without their plural or verb ending, and the parts of camelCase
 * names. Scripts that put no space between words give pairs of characters. Both a question and the texts pass here.
 */
const word = /[\p{L}\p{N}_$]+/gu
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u
const longestTerm = 64

const stopWords = new Set(
  `a about after all also am an and any are as at be because been before being between both but by can could did do
  does doing each for from had has have he her here his how i if in into is it its itself just me more most my no nor
  not of on one only or other our out over own same she should so some such than that the their them then there these
  they this those through to too under until up very was we were what when where which while who why will with would
  you your`.split(/\s+/),
)

/** The terms of a text in order, with repetitions. */
export function termsOf(text: string): string[] {
  const terms: string[] = []
  for (const [token] of text.matchAll(word)) {
    if (token.length > longestTerm) continue
    if (/[\u0e00-\uffff]/.test(token) && unspaced.test(token)) terms.push(...pairs(token))
    else {
      if (/[a-z][A-Z]|_/.test(token))
        for (const part of token.split(/(?<=[a-z0-9])(?=[A-Z])|_+/)) if (part !== token) add(part, terms)
      add(token, terms)
    }
  }
  return terms
}

function add(token: string, terms: string[]): void {
  // Before its ending is taken off: "this" would become a word that is not in the list.
  const lower = token.toLowerCase()
  if (stopWords.has(lower)) return
  const term = stem(lower)
  if (term.length > 1 && !stopWords.has(term)) terms.push(own(term))
}

/** Brings plural and verb endings of English together; other words stay as they are. */
function stem(term: string): string {
  if (term.length < 4 || !/^[a-z]+$/.test(term)) return term
  if (/ie[sd]$/.test(term) && term.length > 4) return `${term.slice(0, -3)}y`
  let base = term
  if (/(?:ss|x|sh)es$/.test(term)) base = term.slice(0, -2)
  else if (/[^su]s$/.test(term)) base = term.slice(0, -1)
  else if (term.length > 5 && term.endsWith('ing')) base = undoubled(term.slice(0, -3))
  else if (term.length > 5 && term.endsWith('ed')) base = undoubled(term.slice(0, -2))
  return base.length > 4 && base.endsWith('e') ? base.slice(0, -1) : base
}

function undoubled(term: string): string {
  return /([bdgmnprt])\1$/.test(term) ? term.slice(0, -1) : term
}

function pairs(token: string): string[] {
  const characters = [...token]
  if (characters.length === 1) return characters
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`)
}

/** A copy that holds no reference to the text it was cut from: engines keep a long slice as a view of its parent. */
function own(term: string): string {
  return term.length < 13 ? term : Buffer.from(term).toString()
}
