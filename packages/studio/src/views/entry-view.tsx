/** One entry of the context: its value, its readers, where it comes from, and its versions as differences. */
import { Link } from '@tanstack/react-router'
import { Suspense, useState } from 'react'
import { isProblem } from '../api/is-problem.ts'
import type { Audience, Entry } from '../api/shapes.ts'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { asText, count, when } from '../format.ts'
import { Answer, ErrorNotice, Loading } from '../parts/answer.tsx'
import { CopyLink } from '../parts/copy-link.tsx'
import { parseJson } from '../parts/from-text.ts'
import { lazyPart } from '../parts/load-part.ts'
import { Section } from '../parts/section.tsx'
import { makerOf, Sources } from '../parts/sources.tsx'
import { Button, Flex, Notice, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { Value } from '../parts/value.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { visible } from '../visible.ts'
import { EntryReaders } from './entry-readers.tsx'
import { EntryUses } from './entry-uses.tsx'

const JsonEditor = lazyPart(() => import('../parts/json-editor.tsx'))
const Difference = lazyPart(() => import('../parts/difference.tsx'))

export const audienceText = (audience: Audience) =>
  typeof audience === 'string'
    ? audience
    : [...audience.subscribers, ...audience.topics.map((topic) => `#${topic}`)].join(', ') || 'nobody'

export function EntryView({ entry: key }: { readonly entry: string }) {
  const may = useMay()
  const [isEdited, setIsEdited] = useState(false)
  const entry = useAnswer('context.get', { path: { key } })
  return (
    <>
      <ViewHeader
        within={
          <Link from="/context" to="/context" search={({ prefix, tab, after }) => ({ prefix, tab, after })}>
            Context
          </Link>
        }
        title={visible(key) || '(the empty key)'}
      >
        <CopyLink />
        {entry.data && !isEdited && may('context.push') && (
          <Button small look="soft" onClick={() => setIsEdited(true)}>
            Edit
          </Button>
        )}
      </ViewHeader>
      <Answer of={entry}>
        {(found) => (
          <>
            <Text as="p" color="gray" mb="2" className="break">
              version {found.version} · by {makerOf(found)} · for {audienceText(found.audience)} ·{' '}
              {when(found.updatedAt)}
              {found.expiresAt && ` · until ${when(found.expiresAt)}`}
            </Text>
            {isEdited ? (
              <EditEntry entry={found} close={() => setIsEdited(false)} />
            ) : (
              <Value value={found.value} label={`Value of ${key}`} />
            )}
            <Section title="Who can read this, and why">
              <EntryReaders entry={found} />
            </Section>
            <Section title="Where it comes from">
              <Sources of={found} />
            </Section>
            <Section title="What came of it">
              <EntryUses entry={key} />
            </Section>
          </>
        )}
      </Answer>
      <Section title="History">
        <History entry={key} />
      </Section>
    </>
  )
}

interface EditEntryProps {
  /** As it is now; a change of another writer brings a newer one while it is edited. */
  readonly entry: Entry
  readonly close: () => void
}

/** Saves over the version that the editor began with, and nothing where another one came meanwhile. */
function EditEntry({ entry, close }: EditEntryProps) {
  const client = useClient()
  const forget = useForget()
  const { busy, error, run } = useCommand()
  const [base, setBase] = useState(entry.version)
  const [before] = useState(() => JSON.stringify(entry.value, undefined, 2))
  const [text, setText] = useState(before)
  const result = parseJson(text)
  const isNewer = entry.version !== base
  const path = { key: entry.key }
  const save = (ifVersion: number) =>
    run(async () => {
      if (!('value' in result)) return
      await client.call('context.push', { path, body: { value: result.value, ifVersion } }).catch((problem) => {
        forget('context.get', { path })
        throw problem
      })
      forget('context.get', { path })
      forget('context.history', { path })
      close()
    })
  const isConflict = isProblem(error) && error.code === 'context.conflict'
  return (
    <>
      <Suspense fallback={<Loading />}>
        <JsonEditor label={`New value of ${entry.key}`} text={before} onChange={setText} />
      </Suspense>
      <div role="status">
        {'problem' in result && (
          <Text as="p" color="red" mt="1">
            This is not JSON: {result.problem}
          </Text>
        )}
      </div>
      {isNewer && (
        <Notice color="gray" my="2">
          <p>
            The entry changed meanwhile: it has version {count(entry.version)} now, by {visible(entry.owner)}. A save
            over version {count(base)} is rejected.
          </p>
          <Value value={entry.value} label={`Version ${entry.version} of ${entry.key}`} />
        </Notice>
      )}
      {error && !(isConflict && isNewer) && <ErrorNotice error={error} />}
      <Flex gap="2" mt="2" align="center" wrap="wrap">
        {isNewer ? (
          <Button look="danger" aria-disabled={busy} onClick={() => setBase(entry.version)}>
            Replace version {count(entry.version)} instead
          </Button>
        ) : (
          <Button
            aria-disabled={busy}
            disabled={'problem' in result || text === before}
            onClick={() => void save(base)}
          >
            Save over version {count(base)}
          </Button>
        )}
        <Button look="soft" onClick={close}>
          Discard
        </Button>
      </Flex>
    </>
  )
}

/** As many as the server lists at once. */
const maxVersions = 200

function History({ entry: key }: { readonly entry: string }) {
  const history = useAnswer('context.history', { path: { key }, query: { limit: maxVersions } })
  return (
    <Answer of={history} none={{ when: ({ items }) => items.length === 0, text: 'It has no earlier versions.' }}>
      {({ items, cursor }) => (
        <>
          {cursor !== undefined && (
            <Text as="p" color="gray">
              These are the first {count(maxVersions)} versions.
            </Text>
          )}
          <ol className="plain">
            {items.toReversed().map((version) => {
              const previous = items.find((one) => one.version === version.version - 1)
              return (
                <li key={version.version}>
                  <Text as="p" mb="1">
                    version {version.version} · by {makerOf(version)} · {when(version.updatedAt)}
                    {version.ended && ` · ${version.ended}`}
                    {previous && audienceText(previous.audience) !== audienceText(version.audience)
                      ? ` · for ${audienceText(version.audience)}, before for ${audienceText(previous.audience)}`
                      : ''}
                  </Text>
                  {previous ? (
                    <Suspense fallback={<Loading />}>
                      <Difference
                        before={asText(previous.value)}
                        after={asText(version.value)}
                        label={`Version ${version.version}, against version ${previous.version}`}
                      />
                    </Suspense>
                  ) : (
                    <Value value={version.value} label={`Version ${version.version}`} />
                  )}
                </li>
              )
            })}
          </ol>
        </>
      )}
    </Answer>
  )
}
