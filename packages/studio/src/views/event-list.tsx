/** The events of a run as they are recorded, narrowed by type and words. Only the rows in view are drawn. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { RunEvent } from '../api/shapes.ts'
import { count, lasting, when } from '../format.ts'
import { Nothing } from '../parts/answer.tsx'
import { CopyLink } from '../parts/copy-link.tsx'
import { useRestoredFocus } from '../parts/restore-focus.tsx'
import { Button, Flex, Select, Text } from '../parts/ui.tsx'
import { useLater } from '../parts/use-later.ts'
import { Value } from '../parts/value.tsx'
import { type RunSearch, runRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { eventText } from './event-text.ts'
import './event-list.css'

const every = 'all'
/** ms for which the words rest before the list and the address take them: a long run has events of many MB to search. */
const restMs = 300
/** In px; a finger needs more than a pointer. */
const phone = matchMedia('(max-width: 40rem)')
const rowHeight = () => (phone.matches ? 44 : 28)
const columns = ['Event', 'After', 'Type', 'Agent, step', 'What']

interface EventListProps {
  readonly events: readonly RunEvent[]
  /** How many there are: the list grows in place. */
  readonly length: number
}

export function EventList({ events, length }: EventListProps) {
  const { type: kind = every, words: sought = '', event: opened } = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const show = (changed: RunSearch) => void navigate({ search: (search) => ({ ...search, ...changed }), replace: true })
  const [words, setWords] = useState(sought)
  const rested = useLater(words, restMs)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address follows the words
  useEffect(() => {
    if (rested !== sought) show({ words: rested || undefined })
  }, [rested])
  const chosen = opened === undefined ? undefined : events.find(({ seq }) => seq === opened)
  const kinds = useMemo(() => [...new Set(events.slice(0, length).map(({ type }) => type))].sort(), [events, length])
  const shown = useMemo(() => {
    const wanted = rested.trim().toLowerCase()
    return events.slice(0, length).filter((event) => {
      if (kind !== every && event.type !== kind) return false
      return wanted === '' || JSON.stringify(event).toLowerCase().includes(wanted)
    })
  }, [events, length, kind, rested])
  const box = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: rowHeight,
    overscan: 10,
  })
  if (length === 0) return <Nothing>No event is recorded yet. Events appear here while the run executes.</Nothing>
  const began = events[0]?.at ?? 0
  return (
    <>
      <Flex gap="2" mb="2" wrap="wrap" align="center">
        <Select
          label="Type of the events"
          value={kind}
          onChoose={(type) => show({ type: type === every ? undefined : type })}
          options={[every, ...kinds].map((one) => ({ value: one, label: one === every ? 'all types' : one }))}
        />
        <input
          type="search"
          className="grow"
          aria-label="Words of the events"
          placeholder="Words of the events …"
          value={words}
          onChange={({ target }) => setWords(target.value)}
        />
        <Text color="gray">
          {count(shown.length)} of {count(length)}
        </Text>
      </Flex>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard */}
      <section className="events" ref={box} aria-label="Events of the run" tabIndex={0}>
        <div className="row heads" aria-hidden="true">
          {columns.map((title) => (
            <span key={title}>{title}</span>
          ))}
        </div>
        <ol style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const event = shown[index]
            if (!event) return null
            return (
              <li key={event.seq} style={{ translate: `0 ${start}px`, height: rowHeight() }}>
                <button
                  type="button"
                  className="row"
                  aria-pressed={chosen?.seq === event.seq}
                  title={when(event.at)}
                  onClick={() => show({ event: opened === event.seq ? undefined : event.seq })}
                >
                  <span className="figure">{event.seq}</span>
                  <span className="figure">{lasting(event.at - began)}</span>
                  <span>{event.type}</span>
                  <span>{visible([event.agent, event.step].filter(Boolean).join(' · '))}</span>
                  <span>{eventText(event)}</span>
                </button>
              </li>
            )
          })}
        </ol>
      </section>
      {chosen && <OpenedEvent event={chosen} close={() => show({ event: undefined })} />}
    </>
  )
}

function OpenedEvent({ event, close }: { readonly event: RunEvent; readonly close: () => void }) {
  const box = useRef<HTMLDivElement>(null)
  useRestoredFocus(box, () => document.querySelector<HTMLElement>('.events .row[aria-pressed=true]'))
  return (
    <div ref={box}>
      <Value value={event} label={`Event ${event.seq}: ${event.type}`} />
      <Flex gap="2" mt="2">
        <CopyLink />
        <Button small look="soft" aria-keyshortcuts="Escape" onClick={close}>
          Close
        </Button>
      </Flex>
    </div>
  )
}
