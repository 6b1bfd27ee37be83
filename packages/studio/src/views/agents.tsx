import { useAnswer } from '../api/use-api.tsx'
import { Answer } from '../parts/answer.tsx'
import { Section } from '../parts/section.tsx'
import { Heading, Table, Text } from '../parts/ui.tsx'

export function Agents() {
  const agents = useAnswer('agents.list', {})
  const present = useAnswer('agents.presence', { every: 3_000 })
  return (
    <>
      <Heading as="h1" mb="4">
        Agents
      </Heading>
      <Section title="At work now">
        <Answer of={present} none={{ when: ({ items }) => items.length === 0, text: 'No worker is present.' }}>
          {({ items }) => (
            <Table>
              <thead>
                <tr>
                  <th scope="col">Agent</th>
                  <th scope="col">Role</th>
                  <th scope="col" className="roomy">
                    Topics
                  </th>
                  <th scope="col" className="roomy">
                    Process
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map(({ id, name, role, topics, processId }) => (
                  <tr key={id}>
                    <th scope="row" className="break">
                      {name}
                    </th>
                    <td>{role}</td>
                    <td className="roomy">{topics.join(', ')}</td>
                    <td className="roomy break">{processId}</td>
                  </tr>
                ))}
              </tbody>
            </Table>
          )}
        </Answer>
      </Section>
      <Section title="That runs can name">
        <Answer of={agents} none={{ when: ({ items }) => items.length === 0, text: 'No agent is known here.' }}>
          {({ items }) => (
            <ul className="plain">
              {items.map(({ name }) => (
                <li key={name}>
                  <Text>{name}</Text>
                </li>
              ))}
            </ul>
          )}
        </Answer>
      </Section>
    </>
  )
}
