// What a nameserver, Apache's or ours, says of the brokers that have registered.
import { connectRemoting } from '../exchange/remoting-client.ts'

const GET_BROKER_CLUSTER_INFO = 106

/** Its answer, as text: the names of brokers that have announced all of their topics are in it. */
export async function clusterInfo(nameserverPort: number): Promise<string> {
  const client = await connectRemoting(nameserverPort)
  const { body } = await client.ask(GET_BROKER_CLUSTER_INFO).finally(() => client.close())
  return body.toString()
}
