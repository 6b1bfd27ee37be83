/** The agents that can read an entry, and why: the server is asked as each of them. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { createClient } from 'troupe/client'
import type { Entry } from '../api/shapes.ts'
import { useAnswer, useUser } from '../api/use-api.tsx'
import { count } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Button, Flex, Text } from '../parts/ui.tsx'
import { visible } from '../visible.ts'

/** Agents that are asked for at once: each is two requests. */
const perPage = 50

interface Reader {
  readonly agent: string
  readonly reads: boolean
  /** The topics that it is subscribed to. */
  readonly topics: readonly string[]
}

const namedIn = ({ owner, audience, writers }: Entry): readonly string[] => [
  owner,
  ...(typeof audience === 'string' ? [] : audience.subscribers),
  ...(typeof writers === 'string' ? [] : writers),
]

/** The rule that decides, in the order in which the server applies the rules. */
function reasonOf({ owner, audience }: Entry, { agent, reads, topics }: Reader): string {
  if (agent === owner) return 'Owner of the entry'
  if (audience === 'everyone') return 'The audience is every agent of the user'
  if (audience === 'owner') return 'The audience is the owner alone'
  if (audience.subscribers.includes(agent)) return 'Named as subscriber'
  const shared = audience.topics.filter((topic) => topics.includes(topic)).map((topic) => `#${topic}`)
  if (reads) return `Subscribed to ${shared.join(', ')}`
  if (audience.topics.length === 0) return 'Not named as subscriber'
  return `Not named as subscriber, and not subscribed to ${audience.topics.map((topic) => `#${topic}`).join(', ')}`
}

function changesOf({ owner, writers }: Entry, { agent, reads }: Reader): string {
  if (agent === owner) return 'Yes, as owner'
  if (writers === 'owner') return 'No'
  if (writers === 'readers') return reads ? 'Yes, as reader' : 'No'
  return writers.includes(agent) ? 'Yes, named as writer' : 'No'
}

export function EntryReaders({ entry }: { readonly entry: Entry }) {
  const user = useUser()
  const agents = useAnswer('agents.list', {})
  const teams = useAnswer('teams.list', {})
  const [first, setFirst] = useState(0)
  const known = [
    ...namedIn(entry).toSorted(),
    ...[
      ...(agents.data?.items ?? []).map(({ name }) => name),
      ...(teams.data?.items ?? []).flatMap((team) => team.agents),
    ].sort(),
  ]
  // The application is no agent, and no request can name it as one.
  const all = [...new Set(known)].filter((name) => name !== 'host')
  const names = all.slice(first, first + perPage)
  const readers = useQuery({
    queryKey: [user, 'context.get', { path: { key: entry.key } }, 'readers', entry.version, names],
    // A session that may not list them learns about those that the entry names.
    enabled: !agents.isPending && !teams.isPending,
    queryFn: () => Promise.all(names.map((agent) => readAs(agent, user, entry.key))),
    placeholderData: (shown) => shown,
  })
  return (
    <Answer of={readers} none={{ when: () => names.length === 0, text: 'No agent is known here.' }}>
      {(asked) => (
        <>
          {all.length > perPage && (
            <Flex align="center" gap="2" wrap="wrap" mb="2">
              <Text color="gray" role="status">
                Agents {count(first + 1)} to {count(first + names.length)} of {count(all.length)}; those that the entry
                names come first.
              </Text>
              <Button small look="soft" disabled={first === 0} onClick={() => setFirst(first - perPage)}>
                Back
              </Button>
              <Button
                small
                look="soft"
                disabled={first + perPage >= all.length}
                onClick={() => setFirst(first + perPage)}
              >
                More
              </Button>
            </Flex>
          )}
          <DataTable
            columns={[
              { header: 'Agent', accessorFn: ({ agent }) => agent, cell: fromRow(({ agent }) => visible(agent)) },
              { header: 'Reads', accessorFn: ({ reads }) => (reads ? 'Yes' : 'No') },
              {
                header: 'Why',
                cell: fromRow((reader) => (
                  <>
                    {visible(reasonOf(entry, reader))}
                    <Text as="p" size="small" color="gray" className="compact">
                      May change it: {changesOf(entry, reader)}
                    </Text>
                  </>
                )),
                meta: { breaks: true },
              },
              {
                header: 'May change it',
                cell: fromRow((reader) => changesOf(entry, reader)),
                meta: { wideOnly: true },
              },
            ]}
            rows={asked}
            rowKey={({ agent }) => agent}
          />
        </>
      )}
    </Answer>
  )
}

/**
 * Asks with the rights of an agent for the keys that begin with that of the entry: the first of them is its own, if the agent can
 * read it. To read the entry itself would be an error for each agent that cannot, which the browser reports as a failure.
 */
async function readAs(agent: string, user: string | undefined, key: string): Promise<Reader> {
  const client = createClient({ agent, retries: 0, ...(user === undefined ? {} : { user }) })
  const [keys, subscriptions] = await Promise.all([
    client.call('context.keys', { query: { prefix: key, limit: 1 } }),
    client.call('context.subscriptions', {}),
  ])
  return { agent, reads: keys.items[0] === key, topics: subscriptions.topics }
}
