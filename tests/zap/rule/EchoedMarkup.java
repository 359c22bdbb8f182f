package local.harness;

import java.io.IOException;
import java.util.Map;
import org.parosproxy.paros.core.scanner.AbstractAppParamPlugin;
import org.parosproxy.paros.core.scanner.Alert;
import org.parosproxy.paros.core.scanner.Category;
import org.parosproxy.paros.network.HttpMessage;

/** An active rule that raises a genuine alert: markup sent in a parameter comes back in a page as it was. */
public class EchoedMarkup extends AbstractAppParamPlugin {
    private static final String MARKUP = "<i>echo-4f1d</i>";

    @Override
    public void scan(HttpMessage message, String parameter, String value) {
        HttpMessage attack = getNewMsg();
        setParameter(attack, parameter, MARKUP);
        try {
            sendAndReceive(attack);
        } catch (IOException e) {
            return;
        }
        String type = attack.getResponseHeader().getNormalisedContentTypeValue();
        if ("text/html".equals(type) && attack.getResponseBody().toString().contains(MARKUP)) {
            newAlert()
                    .setConfidence(Alert.CONFIDENCE_MEDIUM)
                    .setParam(parameter)
                    .setAttack(MARKUP)
                    .setEvidence(MARKUP)
                    .setMessage(attack)
                    .raise();
        }
    }

    @Override
    public int getId() {
        return 999001;
    }

    @Override
    public String getName() {
        return "Markup is echoed";
    }

    @Override
    public String getDescription() {
        return "What a parameter holds is put into the answer without being escaped.";
    }

    @Override
    public String getSolution() {
        return "Escape it where it is put into the answer.";
    }

    @Override
    public String getReference() {
        return "";
    }

    @Override
    public int getCategory() {
        return Category.INJECTION;
    }

    @Override
    public int getRisk() {
        return Alert.RISK_HIGH;
    }

    @Override
    public int getCweId() {
        return 79;
    }

    @Override
    public int getWascId() {
        return 8;
    }

    @Override
    public Map<String, String> getAlertTags() {
        return Map.of("OWASP_2025_A05", "");
    }
}
