import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { eventNames } from '../packages/troupe/src/core/index.ts'
import { readEventDescriptions, readEventFields } from './event-fields.ts'
import { eventsDoc, renderEvents } from './events-doc.ts'

it('The page docs/events.md is what its script renders.', () => {
  expect(readFileSync(eventsDoc, 'utf8')).toBe(renderEvents())
})

it('EventPayloads describes each event with the sentence of eventNames.', () => {
  expect(Object.fromEntries(readEventDescriptions())).toEqual(eventNames)
})

it('readEventFields reads the fields of every event, with their types and doc comments.', () => {
  const fields = readEventFields()
  expect([...fields.keys()].sort()).toEqual(Object.keys(eventNames).sort())
  expect([...fields].filter(([, all]) => all.length === 0)).toEqual([])
  expect(fields.get('run.waiting')?.slice(-2)).toEqual([
    {
      name: 'reason',
      type: "'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'",
      isOptional: false,
      about: 'What the run waits for, as `reason` of its result.',
    },
    { name: 'questions', type: 'string[]', isOptional: false, about: 'The ids of the open questions.' },
  ])
  expect(fields.get('tool.called')?.map(({ name }) => name)).toEqual([
    'success',
    'durationMs',
    'code',
    'errorId',
    'tool',
    'agent',
    'callId',
    'security',
  ])
})
