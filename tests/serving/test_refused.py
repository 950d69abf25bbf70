import json

from finetune.serving.refused import OVERLOADED, Refused


def test_a_refusal_is_an_error_of_openais_api():
    response = Refused(503, "Wait.", "n", "queue_full", OVERLOADED, 5).response()
    assert response.status_code == 503 and response.headers["retry-after"] == "5"
    assert json.loads(response.body) == {
        "error": {"message": "Wait.", "type": "overloaded_error", "param": "n", "code": "queue_full"}
    }


def test_who_has_no_key_is_told_how_it_is_sent():
    response = Refused(401, "No.").response()
    assert response.headers["www-authenticate"] == "Bearer" and "retry-after" not in response.headers
