"""The secret source against moto: one JSON secret, decoded and kept."""

import json

import boto3
import pytest
from moto import mock_aws

from chalicelib.settings import load
from chalicelib.wiring.secrets import secrets_manager
from tests.unit.test_settings import PRODUCTION, SECRETS


def test_the_secret_is_decoded_and_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {
        "AWS_ACCESS_KEY_ID": "t",
        "AWS_SECRET_ACCESS_KEY": "t",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        service = boto3.client("secretsmanager", region_name="eu-west-1")
        service.create_secret(Name="aiba-arena/prod", SecretString=json.dumps(SECRETS))
        assert load(PRODUCTION, secrets_manager("aiba-arena/prod")).bot_token == SECRETS["TELEGRAM_BOT_TOKEN"]
        service.put_secret_value(SecretId="aiba-arena/prod", SecretString="{}")
        assert secrets_manager("aiba-arena/prod") == SECRETS
