/** A run as it was at one of its events: the team, what steps had read, written, sent, received and asked of models, and a fork from there. */
import { useEffect, useEffectEvent, useMemo, useRef, useState } from 'react'
import type { RunEvent } from '../api/shapes.ts'
import { useMay } from '../api/use-may.ts'
import { count, lasting } from '../format.ts'
import { Button, classes, Flex, Text } from '../parts/ui.tsx'
import { useLater } from '../parts/use-later.ts'
import { PastStates } from '../past-states.ts'
import { runRoute } from '../routes.ts'
import type { RunState } from '../run-state.ts'
import { visible } from '../visible.ts'
import { ForkForm } from './fork-form.tsx'
import { PastData } from './past-data.tsx'

interface RunTimeProps {
  readonly run: string
  readonly events: readonly RunEvent[]
  /** The list grows in place. */
  readonly length: number
  /** Takes the state that the drawing of the team shows; undefined for the present one. */
  readonly showPast: (past: PastState | undefined) => void
}

/** The run as it was at one of its events. */
export interface PastState {
  readonly seq: number
  readonly state: RunState
}

/** ms between two events that are played, and the steps in which a long run is played to its end. */
const playMs = 400
const maxPlayed = 150

/** A failure, or a request to a person. */
const isMark = ({ type }: RunEvent): boolean =>
  type.endsWith('.failed') || type === 'guard.tripped' || type === 'question.asked'

/** Returns the indexes of the marks among the first events. */
const marksOf = (events: readonly RunEvent[], length: number): readonly number[] =>
  events.slice(0, length).flatMap((event, i) => (isMark(event) ? [i] : []))

/** ms for which the slider rests before the server is asked. */
const restMs = 200

export function RunTime({ run, events, length, showPast }: RunTimeProps) {
  const { at: opened, fork: isForking } = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const may = useMay()
  const indexOf = (wanted: number | undefined) => {
    const found = events.findIndex(({ seq }) => seq === wanted)
    return found < 0 ? length - 1 : found
  }
  const [index, setIndex] = useState(() => indexOf(opened))
  const rested = useLater(events[index]?.seq, restMs)
  const written = useRef(opened)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address follows the slider
  useEffect(() => {
    if (rested === opened) return
    written.current = rested
    void navigate({ search: (search) => ({ ...search, at: rested }), replace: true })
  }, [rested])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the slider follows an address that it did not write
  useEffect(() => {
    if (opened === written.current) return
    written.current = opened
    setIndex(indexOf(opened))
  }, [opened])
  const event = events[index]
  const states = useMemo(() => new PastStates(events), [events])
  const state = useMemo(() => states.at(index), [states, index])
  const isAtEnd = index === length - 1
  const shownSeq = event?.seq
  useEffect(() => {
    showPast(isAtEnd || shownSeq === undefined ? undefined : { seq: shownSeq, state })
    return () => showPast(undefined)
  }, [isAtEnd, shownSeq, state, showPast])
  const prepareFork = (fork: true | undefined) =>
    void navigate({ search: (search) => ({ ...search, fork }), replace: true })
  const move = (by: number) => setIndex(Math.min(Math.max(index + by, 0), length - 1))
  const [isPlaying, setIsPlaying] = useState(false)
  const playOn = useEffectEvent(() => {
    if (isAtEnd) setIsPlaying(false)
    else move(Math.ceil(length / maxPlayed))
  })
  useEffect(() => {
    if (!isPlaying) return
    const timer = setInterval(playOn, playMs)
    return () => clearInterval(timer)
  }, [isPlaying])
  const marks = useMemo(() => marksOf(events, length), [events, length])
  const markBefore = marks.findLast((mark) => mark < index)
  const markAfter = marks.find((mark) => mark > index)
  if (!event) return null
  const { seq, type, agent, at } = event
  const began = events[0]?.at ?? at
  const label = `Event ${count(seq)}: ${type}${agent === undefined ? '' : ` of ${visible(agent)}`}, after ${lasting(at - began)}`
  return (
    <>
      <p className={classes('notice', !isAtEnd && 'live')}>
        {isAtEnd
          ? 'You see the newest event. Move the slider to see the team and the data as they were before.'
          : `You see event ${count(seq)} of ${count(events[length - 1]?.seq ?? seq)}: the team above and the data below are as they were then.`}
      </p>
      <Flex gap="2" align="center" wrap="wrap" my="2">
        <SliderButton
          name="Failure or request before"
          keys="{"
          sign="«"
          isOff={markBefore === undefined}
          press={() => setIndex(markBefore ?? index)}
        />
        <SliderButton name="Event before" keys="[" sign="‹" isOff={index === 0} press={() => move(-1)} />
        <input
          type="range"
          className="grow"
          aria-label="Event"
          aria-valuetext={label}
          min={0}
          max={length - 1}
          value={index}
          onChange={({ target }) => setIndex(Number(target.value))}
        />
        <SliderButton name="Event after" keys="]" sign="›" isOff={isAtEnd} press={() => move(1)} />
        <SliderButton
          name="Failure or request after"
          keys="}"
          sign="»"
          isOff={markAfter === undefined}
          press={() => setIndex(markAfter ?? index)}
        />
        <SliderButton
          name={isPlaying ? 'Stop' : 'Play'}
          keys="Space"
          sign={isPlaying ? '■' : '▶'}
          isOff={isAtEnd && !isPlaying}
          press={() => setIsPlaying(!isPlaying)}
        />
      </Flex>
      <Flex gap="2" align="center" justify="between" wrap="wrap" mb="2">
        <Text as="p" className="break">
          {label}
        </Text>
        {may('runs.fork') && !isForking && (
          <Button small look="soft" data-opens-fork onClick={() => prepareFork(true)}>
            Fork here…
          </Button>
        )}
      </Flex>
      {may('runs.fork') && isForking && (
        <ForkForm run={run} seq={seq} topology={state.topology} onClose={() => prepareFork(undefined)} />
      )}
      <PastData run={run} events={events} seq={seq} at={at} state={state} />
    </>
  )
}

interface SliderButtonProps {
  readonly name: string
  readonly keys: string
  readonly sign: string
  readonly isOff: boolean
  readonly press: () => void
}

function SliderButton({ name, keys, sign, isOff, press }: SliderButtonProps) {
  return (
    <Button small look="soft" aria-label={name} aria-keyshortcuts={keys} disabled={isOff} onClick={press}>
      {sign}
    </Button>
  )
}
