/** What stands where an answer of the server will be: waiting, a problem, nothing, or the answer. */

import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { isProblem, isUnreachable } from '../api/is-problem.ts'
import { isSignedOut } from '../api/use-api.tsx'
import { visible } from '../visible.ts'
import { Flex, Notice, Text } from './ui.tsx'
import { WithCode } from './with-code.tsx'

interface AnswerProps<T> {
  readonly of: UseQueryResult<T, Error>
  /** Where there is nothing to show. */
  readonly none?: { readonly when: (answer: T) => boolean; readonly text: ReactNode }
  readonly children: (answer: T) => ReactNode
}

export function Answer<T>({ of, none, children }: AnswerProps<T>) {
  if (of.data !== undefined)
    return (
      <>
        {of.error && <ErrorNotice error={of.error} />}
        {none?.when(of.data) ? <Nothing>{none.text}</Nothing> : children(of.data)}
      </>
    )
  if (of.error) return <ErrorNotice error={of.error} />
  return <Loading />
}

export function Loading() {
  return (
    <Flex align="center" gap="2" role="status" my="3" className="loading">
      <span className="spinner" aria-hidden="true" /> <Text color="gray">Loading</Text>
    </Flex>
  )
}

/** What a page can do about it is not what a program can. */
const unreachable = {
  message: 'The server cannot be reached.',
  hint: 'Is it running? This page tries again by itself.',
}

/** The hints of the server to these name operations for programs. */
const pageHints: Readonly<Record<string, string>> = {
  'run.unknown': 'The view Runs lists all runs. An ended run is deleted after a time, 365 days by default.',
  'cursor.invalid': 'Open the view from the navigation: it begins with the first page.',
  'schedule.unknown': 'The view Schedules lists all schedules. An ended schedule is deleted after 30 days.',
  'thread.unknown': 'Choose a thread from the list, or begin a new one.',
}

const hintOf = (error: Error): string | undefined =>
  isProblem(error) ? (pageHints[error.code] ?? error.hint) : undefined

export function ErrorNotice({ error }: { readonly error: Error }) {
  // It is said above the view, once.
  if (isSignedOut(error)) return null
  const { message, hint } = isUnreachable(error) ? unreachable : { message: error.message, hint: hintOf(error) }
  const isMissing = isProblem(error) && error.code === 'route.missing'
  return (
    <Notice color={isMissing ? 'gray' : 'red'} my="2">
      <p>
        {visible(message)} {hint !== undefined && <WithCode text={hint} />}
      </p>
    </Notice>
  )
}

export function Nothing({ children }: { readonly children: ReactNode }) {
  return (
    <Text as="p" color="gray" my="4">
      {typeof children === 'string' ? <WithCode text={children} /> : children}
    </Text>
  )
}

/** Shown where a run would be started, and the server has nothing to start it with. */
export function NothingStartable() {
  return <Nothing>No team or agent is registered: name some under `teams` or `agents` in the configuration.</Nothing>
}
