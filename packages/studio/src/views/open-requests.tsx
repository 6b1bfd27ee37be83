/** The questions, approvals and uncertain effects that wait for a person: each is answered where it is shown, and then stays. */
import { Link } from '@tanstack/react-router'
import { useContext, useRef, useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import { UserContext } from '../api/chosen-user.ts'
import type { Approval, Question, UncertainEffect } from '../api/shapes.ts'
import { AsUser, useClient, useForget } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { maxRequests, useRequests } from '../api/use-requests.ts'
import { spent, tokens } from '../format.ts'
import { Age } from '../parts/age.tsx'
import { ErrorNotice, Loading, Nothing } from '../parts/answer.tsx'
import { Ask, Asked, sentAnswerText } from '../parts/ask.tsx'
import { RestoreFocus } from '../parts/restore-focus.tsx'
import { Section } from '../parts/section.tsx'
import { Button, Card, Text } from '../parts/ui.tsx'
import { AboutEffect, ResolveEffect } from '../parts/uncertain.tsx'
import { useCommand } from '../parts/use-command.ts'
import { visible } from '../visible.ts'

interface Request {
  readonly id: string
  readonly of: Approval
  readonly question?: Question
  readonly effect?: UncertainEffect
}

const requestsOf = (of: Approval): readonly Request[] => [
  ...of.questions.map((question) => ({ id: `${of.user} ${of.id} ${question.id}`, of, question })),
  ...of.uncertain.map((effect) => ({ id: `${of.user} ${of.id} ${effect.step} ${effect.call}`, of, effect })),
]

export function OpenRequests() {
  const { data, error, dataUpdatedAt } = useRequests()
  const isOfAll = data?.items.some(({ user }) => user !== undefined)
  const { shown, added, showAll } = useStableOrder(data)
  const isIdle = shown.length > 0 && !shown.some(({ isOpen }) => isOpen)
  const beside =
    added > 0 ? (
      <Button small look="soft" onClick={showAll}>
        Show {added} new
      </Button>
    ) : (
      isIdle && <Text color="gray">Nothing waits for a person.</Text>
    )
  return (
    <Section title="Waiting for a person" beside={beside}>
      {data?.cursor !== undefined && (
        <Text as="p" color="gray">
          More than {maxRequests} runs, sessions and handlers wait; these are{' '}
          {isOfAll ? 'the first by user' : 'the first'}.
        </Text>
      )}
      <ul className="plain requests">
        {shown.length === 0 && (
          <li>
            {data === undefined ? (
              error ? (
                <ErrorNotice error={error} />
              ) : (
                <Loading />
              )
            ) : (
              <Nothing>
                Nothing waits for a person. A question, an approval or an uncertain effect appears here.
              </Nothing>
            )}
          </li>
        )}
        {shown.map((request) => (
          <RequestItem key={request.id} request={request} listedAt={dataUpdatedAt} />
        ))}
      </ul>
    </Section>
  )
}

interface RequestItemProps {
  readonly request: ShownRequest
  /** ms since 1970 at which the server listed the open requests. */
  readonly listedAt: number
}

/** A request. Once it is answered it keeps its place and its height, so that nothing below moves under the pointer. */
function RequestItem({ request, listedAt }: RequestItemProps) {
  const { of, question, effect, isListed } = request
  const after = afterResolution(of)
  const forget = useForget()
  const { user, choose } = useContext(UserContext)
  const [sent, setSent] = useState<{ readonly text: string; readonly at: number }>()
  // A list from before the answer has the request, however long the next one takes.
  const isOpen = sent ? isListed && listedAt > sent.at : request.isOpen
  const answered = (text: string) => {
    setSent({ text, at: Date.now() })
    forget('approvals.list', {})
  }
  const box = useRef<HTMLLIElement>(null)
  const height = useRef<number>(undefined)
  // The list shows the open request until this render is committed.
  height.current = isOpen ? undefined : (height.current ?? box.current?.getBoundingClientRect().height)
  return (
    <li
      ref={box}
      tabIndex={-1}
      className="request"
      data-takes-focus
      style={{ minHeight: height.current }}
      // The address of a run names no user, so a link chooses the user before it opens the run.
      onClickCapture={({ target }) => {
        const isOfAnother = of.user !== undefined && of.user !== (user || 'default')
        if (isOfAnother && (target as Element).closest('a[href*="#/runs/"]')) choose(of.user)
      }}
    >
      <Text as="p" mb="2" className="break">
        {of.run === undefined ? (
          <Text bold>{originText(of)}</Text>
        ) : (
          <Link to="/runs/$run" params={{ run: of.run }}>
            {visible(of.title) || of.run}
          </Link>
        )}{' '}
        <Text color="gray">
          {aboutRun(of)}
          <Age of={of.createdAt} /> old
        </Text>
      </Text>
      <AsUser user={of.user}>
        {isOpen && question && (
          <Ask
            run={of.run}
            approval={of.id}
            question={question}
            answered={(value) => answered(`Answered: ${sentAnswerText(question, value)}`)}
          />
        )}
        {isOpen && effect && (
          <ResolveEffect
            approval={of.id}
            after={after}
            effect={effect}
            onResolved={(happened) => answered(happened ? 'Answered: it happened' : 'Answered: it did not happen')}
          />
        )}
        {isOpen && of.origin === 'session' && of.reason !== undefined && (
          <CancelCall
            approval={of.id}
            onCancelled={() => (effect ? forget('approvals.list', {}) : answered('The call was cancelled.'))}
          />
        )}
      </AsUser>
      {!isOpen && (
        <Card className="answered" role="group" aria-label={`Answered: ${question?.agent ?? effect?.name}`}>
          {question && <Asked run={of.run} question={question} />}
          {effect && <AboutEffect effect={effect} after={after} />}
          <Text as="p" mt="2" bold role="status" className="break">
            {sent?.text ?? 'It waits no longer: it was answered elsewhere, it expired, or its run ended.'}
          </Text>
        </Card>
      )}
    </li>
  )
}

interface CancelCallProps {
  readonly approval: string
  readonly onCancelled: () => void
}

/** Cancels the open call of a session. It cannot be taken back: a second press carries it out. */
function CancelCall({ approval, onCancelled }: CancelCallProps) {
  const client = useClient()
  const may = useMay()
  const { busy, error, run: perform } = useCommand()
  const [isAsked, setIsAsked] = useState(false)
  if (!may('approvals.cancel')) return null
  const cancel = () =>
    perform(async () => {
      await client.call('approvals.cancel', { path: { approval }, body: {} })
      onCancelled()
    })
  return (
    <RestoreFocus>
      <Button
        small
        look={isAsked ? 'danger' : 'soft'}
        aria-disabled={busy}
        onClick={() => (isAsked ? void cancel() : setIsAsked(true))}
        onBlur={() => setIsAsked(false)}
      >
        {isAsked ? 'Cancel the call now' : 'Cancel the call'}
      </Button>
      {error && <ErrorNotice error={error} />}
    </RestoreFocus>
  )
}

/** Says what a resolution does. The call of a session may have been cancelled. */
function afterResolution({ origin, endedAt, reason }: Approval) {
  if (origin === 'run' && endedAt !== undefined) return 'recorded'
  return origin === 'session' && reason !== 'uncertain' ? 'cancelled' : origin
}

/** Names a session by its thread, and a handler by its mailbox. */
const originText = ({ origin, threadId = '', agent = '', title }: Approval): string =>
  origin === 'session'
    ? visible(`${title || threadId}: thread ${threadId} with ${agent}`)
    : visible(`${title || 'A message'} to ${agent || 'a mailbox'}`)

const aboutRun = ({ user, team, usage, cost }: Approval): string =>
  [user && `user ${visible(user)}`, team, usage && `${tokens(usage)} tokens`, spent(cost)]
    .filter(Boolean)
    .map((text) => `${text}, `)
    .join('')

interface ShownRequest extends Request {
  /** Whether the server has just listed it. */
  readonly isListed: boolean
  /** False once it waits no longer. Where more runs wait than were read, a request that is missing may wait still. */
  readonly isOpen: boolean
}

/** Answered requests that stay in the list, of a page that is left open for days. */
const maxAnswered = 100

/**
 * Shows the oldest run first. A request that arrives while others are shown waits behind a button: it moves no request
 * that a person reads, and no other gets under the pointer. A request that was answered stays until the reader leaves.
 */
function useStableOrder(data: AnswerOf<'approvals.list'> | undefined) {
  const [listed, setListed] = useState<readonly Request[]>([])
  const runs = data?.items ?? []
  const open = runs.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt)).flatMap(requestsOf)
  const byId = new Map(open.map((request) => [request.id, request]))
  const isComplete = data?.cursor === undefined
  const shown = listed.map(
    (request): ShownRequest => ({
      ...(byId.get(request.id) ?? request),
      isListed: byId.has(request.id),
      isOpen: byId.has(request.id) || !isComplete,
    }),
  )
  const added = open.filter(({ id }) => !listed.some((one) => one.id === id))
  const showAll = () => {
    const leaving = shown.filter(({ isOpen }) => !isOpen).slice(0, -maxAnswered)
    setListed([...shown.filter((one) => !leaving.includes(one)), ...added])
  }
  if (listed.length === 0 && added.length > 0) showAll()
  return { shown, added: added.length, showAll }
}
