// Answers with Apache's own evaluator what an SQL92 filter does with a message. Run by ../filters/apache-evaluator.ts:
// one question per line, base64 of the expression, then of each property's name and value; one letter per answer.
// R: refused by the parser; T, F: the outcome; U: unknown (null); X: the evaluation ended with an
// exception, C: with one of a cast that can not be made.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.filter.expression.BooleanExpression;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.parser.SelectorParser;

public class EvaluateFilters {
  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    StringBuilder out = new StringBuilder();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", -1);
      Map<String, String> properties = new HashMap<>();
      for (int at = 1; at + 1 < words.length; at += 2) properties.put(text(words[at]), text(words[at + 1]));
      out.append(answer(text(words[0]), properties)).append('\n');
    }
    System.out.print(out);
    System.exit(0);
  }

  static String text(String base64) {
    return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
  }

  static char answer(String expression, Map<String, String> properties) {
    BooleanExpression compiled;
    try {
      compiled = SelectorParser.parse(expression);
    } catch (Throwable refused) {
      return 'R';
    }
    try {
      Object outcome = compiled.evaluate(new Message(properties));
      return outcome == null ? 'U' : Boolean.TRUE.equals(outcome) ? 'T' : 'F';
    } catch (ClassCastException bug) {
      return 'C';
    } catch (Throwable failed) {
      return 'X';
    }
  }

  record Message(Map<String, String> properties) implements EvaluationContext {
    public Object get(String name) {
      return properties.get(name);
    }

    public Map<String, Object> keyValues() {
      return new HashMap<>(properties);
    }
  }
}
