import type { Audience } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { inShort, when } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Find } from '../parts/find.tsx'
import { Pager } from '../parts/pager.tsx'
import { Section } from '../parts/section.tsx'
import { Heading, Table, Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import { linkTo, useSought } from '../route.ts'
import { visible } from '../visible.ts'

const audienceText = (audience: Audience) =>
  typeof audience === 'string'
    ? audience
    : [...audience.subscribers, ...audience.topics.map((topic) => `#${topic}`)].join(', ') || 'nobody'

export function Context({ at }: { readonly at: string | undefined }) {
  if (at === undefined) return <Entries />
  return at === '.' || at === '..' ? <FolderView entry={at} /> : <EntryView entry={at} />
}

function Entries() {
  const { of, cursors, seek, page } = useSought()
  const prefix = of('prefix')
  const query = { limit: 50, cursor: cursors.at(-1), prefix: prefix || undefined }
  const entries = useAnswer('context.list', { query })
  return (
    <>
      <Heading as="h1" mb="4">
        Context
      </Heading>
      <Find label="Keys that begin with" text={prefix} find={(begin) => seek({ prefix: begin })} />
      <Answer of={entries} none={{ when: ({ items }) => items.length === 0, text: 'Nothing is there.' }}>
        {({ items, cursor: next }) => (
          <>
            <Table>
              <thead>
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col">Value</th>
                  <th scope="col" className="roomy">
                    Owner
                  </th>
                  <th scope="col" className="roomy">
                    For
                  </th>
                  <th scope="col" className="roomy">
                    Version
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map((entry) => (
                  <tr key={entry.key}>
                    <th scope="row" className="break">
                      <a href={linkTo('context', entry.key)}>{visible(entry.key) || '(the empty key)'}</a>
                    </th>
                    <td className="break">{inShort(entry.value, 80)}</td>
                    <td className="roomy">{entry.owner}</td>
                    <td className="roomy">{audienceText(entry.audience)}</td>
                    <td className="roomy">{entry.version}</td>
                  </tr>
                ))}
              </tbody>
            </Table>
            <Pager cursors={cursors} next={next} go={page} back="Back" on="More" />
          </>
        )}
      </Answer>
    </>
  )
}

/** Browsers take these keys for folders of the address, encoded or not: what came would be of another entry. */
function FolderView({ entry: key }: { readonly entry: string }) {
  return (
    <>
      <Text as="p" mb="1">
        <a href={linkTo('context')}>Context</a>
      </Text>
      <Heading as="h1" mb="3">
        {key}
      </Heading>
      <Text as="p">No address can hold this key. POST /v1/context/batch reads its entry.</Text>
    </>
  )
}

function EntryView({ entry: key }: { readonly entry: string }) {
  const path = { key }
  const entry = useAnswer('context.get', { path })
  const history = useAnswer('context.history', { path })
  return (
    <>
      <Text as="p" mb="1">
        <a href={linkTo('context')}>Context</a>
      </Text>
      <Heading as="h1" mb="3" className="break">
        {visible(key) || '(the empty key)'}
      </Heading>
      <Answer of={entry}>
        {({ value, version, owner, audience, updatedAt, expiresAt, provenance, taint }) => (
          <>
            <Text as="p" color="gray" mb="2">
              version {version} · by {owner} · for {audienceText(audience)} · {when(updatedAt)}
              {expiresAt && ` · until ${when(expiresAt)}`}
            </Text>
            <Value value={value} label={`Value of ${key}`} />
            <Section title="Where it comes from">
              <Value value={taint.length > 0 ? { ...provenance, taint } : provenance} label="Provenance" />
            </Section>
          </>
        )}
      </Answer>
      <Section title="History">
        <Answer of={history} none={{ when: ({ items }) => items.length === 0, text: 'It has no earlier versions.' }}>
          {({ items }) => (
            <ol className="plain">
              {items.map((older) => (
                <li key={older.version}>
                  <Text>
                    version {older.version} · by {older.owner} · {when(older.updatedAt)}{' '}
                    {older.ended && `· ${older.ended}`}
                  </Text>
                  <Value value={older.value} label={`Version ${older.version}`} />
                </li>
              ))}
            </ol>
          )}
        </Answer>
      </Section>
    </>
  )
}
