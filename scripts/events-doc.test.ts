import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { eventsDoc, renderEvents } from './events-doc.ts'

it('the page of events is what the code says', () => {
  expect(readFileSync(eventsDoc, 'utf8')).toBe(renderEvents())
})
